//! Secrets and certificates in files, looked at while serving, so that a rotated password or a renewed
//! certificate needs no restart. The files are read whole each time: a time of change is the same before and
//! after some tools, and links (a secret of Kubernetes) hide it.

use crate::{
    configuration::{CertificateFiles, CodesUrl, DatabaseUrl, RedisServers, Secret, Settings},
    wiring::read_certificates,
};
use anyhow::Context as _;
use countersign_core::error::chain;
use countersign_delivery::{MailAccess, Mailer, Outbound, Proxy, Relay, Way};
use countersign_stores::{
    certificates::Certificates,
    redis::{RedisCodes, RedisUrl},
    sql::Sql,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);
/// The longest time between two tries to use what a server refuses; the first come after a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What uses secrets that may stand in files.
pub(crate) struct Users {
    pub sql: Sql,
    /// `None` where codes are on this machine.
    pub codes: Option<Arc<RedisCodes>>,
    pub relay: Option<Arc<Relay>>,
    pub outbound: Outbound,
    pub mailer: Option<Arc<Mailer>>,
}

enum User {
    Database(Sql),
    Codes(Arc<RedisCodes>),
    Relay(Arc<Relay>),
    Mail(Arc<Mailer>),
    /// The way to providers and webhooks, and whether its proxy resolves; the relay trusts the same authorities.
    Outside(Outbound, bool, Option<Arc<Relay>>),
}

/// What stands in the files of one user.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    secret: Zeroizing<String>,
    sentinel_password: Option<Zeroizing<String>>,
    certificates: Certificates,
}

/// One user of a secret, and the files that it was configured with.
struct Rotation {
    setting: &'static str,
    secret: Secret,
    sentinel_password: Option<Secret>,
    certificates: CertificateFiles,
    user: User,
}

/// Follows each file that the settings name, until `stop`. Each user has a task of its own, so that a server
/// that hangs holds up no other.
pub(super) fn follow_files(
    users: Users,
    settings: &Settings,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    for rotation in list(users, settings) {
        let CertificateFiles { authority, client } = &rotation.certificates;
        let secrets = [Some(&rotation.secret), rotation.sentinel_password.as_ref()];
        if secrets.into_iter().flatten().any(Secret::is_in_file) || authority.is_some() || client.is_some() {
            tasks.spawn(rotation.follow(stop.clone()));
        }
    }
}

fn list(users: Users, settings: &Settings) -> Vec<Rotation> {
    let mut list = Vec::new();
    if let DatabaseUrl::Postgres { url, certificates } = &settings.database {
        let (secret, certificates) = (url.clone(), certificates.clone());
        list.push(Rotation {
            setting: "database.url",
            secret,
            sentinel_password: None,
            certificates,
            user: User::Database(users.sql),
        });
    }
    if let (CodesUrl::Redis(servers), Some(codes)) = (&settings.codes.url, users.codes) {
        let RedisServers { url: secret, sentinel_password, certificates } = servers.clone();
        let user = User::Codes(codes);
        list.push(Rotation { setting: "codes.url", secret, sentinel_password, certificates, user });
    }
    let delivery = &settings.delivery;
    let secret = delivery.proxy.clone().unwrap_or_else(|| Secret::new(""));
    let user = User::Outside(users.outbound, delivery.proxy_resolves, users.relay.clone());
    let certificates = CertificateFiles { authority: delivery.ca.clone(), client: None };
    let sentinel_password = None;
    list.push(Rotation { setting: "delivery.proxy", secret, sentinel_password, certificates, user });
    if let (Some(url), Some(relay)) = (&delivery.relay, users.relay) {
        let (secret, user) = (url.secret().clone(), User::Relay(relay));
        list.push(Rotation {
            setting: "delivery.relay.secret",
            secret,
            sentinel_password: None,
            certificates: CertificateFiles::default(),
            user,
        });
    }
    if let (Some(server), Some(mailer)) = (&settings.mail, users.mailer) {
        list.push(Rotation {
            setting: "mail.password_file",
            secret: server.password.clone().unwrap_or_else(|| Secret::new("")),
            sentinel_password: None,
            certificates: CertificateFiles { authority: server.ca.clone(), client: None },
            user: User::Mail(mailer),
        });
    }
    list
}

impl Rotation {
    async fn follow(self, stop: CancellationToken) {
        let rotation = Arc::new(self);
        let setting = rotation.setting;
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut used = None;
        let mut seen = None;
        let mut refused = Refused::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let reader = Arc::clone(&rotation);
            // A file system that hangs delays neither the tasks that answer nor the stop.
            let read = tokio::select! {
                () = stop.cancelled() => return,
                read = spawn_blocking(move || reader.read()) => read,
            };
            let Ok(read) = read else { return };
            let outcome = match read {
                Ok(contents) if used.as_ref() == Some(&contents) => continue,
                // Two equal looks in a row: a file that is being written is not taken over half.
                Ok(contents) if seen.as_ref() != Some(&contents) => {
                    seen = Some(contents);
                    continue;
                }
                Ok(contents) if refused.waits(&contents) => continue,
                Ok(contents) => {
                    let taken = tokio::select! {
                        () = stop.cancelled() => return,
                        taken = rotation.take(&contents) => taken,
                    };
                    if taken.is_ok() {
                        used = Some(contents);
                    } else {
                        refused.note(contents);
                    }
                    taken
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(changed) => {
                    refused = Refused::default();
                    if changed {
                        tracing::info!(setting, "Took over what changed in the files");
                    }
                }
                Err(error) => refused.tell(setting, &chain(error.as_ref())),
            }
        }
    }

    fn read(&self) -> anyhow::Result<Contents> {
        let read = |secret: &Secret| {
            let read = secret.read_again().context(self.setting)?;
            anyhow::Ok(Zeroizing::new(read.expose().to_owned()))
        };
        let section = self.setting.split('.').next().unwrap_or_default();
        let certificates = read_certificates(section, &self.certificates)?;
        let sentinel_password = self.sentinel_password.as_ref().map(read).transpose()?;
        Ok(Contents { secret: read(&self.secret)?, sentinel_password, certificates })
    }

    async fn take(&self, contents: &Contents) -> anyhow::Result<bool> {
        let Contents { secret, sentinel_password, certificates } = contents;
        Ok(match &self.user {
            User::Database(sql) => sql.change_access(secret, certificates).await?,
            User::Codes(codes) => {
                let url = RedisUrl::parse(secret, Some(certificates.clone()))?;
                let password = sentinel_password.as_ref().map(|password| password.as_str());
                codes.change_access(&url.with_sentinel_password(password)).await?
            }
            User::Relay(relay) => relay.change_secret(secret)?,
            User::Mail(mailer) => {
                let password = (!secret.is_empty()).then(|| secret.clone());
                mailer.change(MailAccess { password, authority: certificates.authority.clone() })?
            }
            User::Outside(outbound, resolves, relay) => {
                let authority = &certificates.authority;
                // A file that became empty must not lead around the proxy.
                let proxied = !secret.is_empty() || self.secret.is_in_file();
                let proxy = proxied.then(|| Proxy::parse(secret, *resolves)).transpose()?;
                if let Some(relay) = relay {
                    relay.outbound().change(Way { proxy: None, authorities: authority.clone() })?;
                }
                outbound.change(Way { proxy, authorities: authority.clone() })?
            }
        })
    }
}

/// What could not be used, and when it is tried again.
#[derive(Default)]
struct Refused {
    contents: Option<Contents>,
    again: Option<Instant>,
    pause: Duration,
    told: Option<String>,
}

impl Refused {
    fn waits(&self, contents: &Contents) -> bool {
        self.contents.as_ref() == Some(contents) && self.again.is_some_and(|again| Instant::now() < again)
    }

    fn note(&mut self, contents: Contents) {
        let same = self.contents.as_ref() == Some(&contents);
        self.pause = if same { (self.pause * 2).min(LONGEST_PAUSE) } else { LOOK };
        self.again = Some(Instant::now() + self.pause);
        self.contents = Some(contents);
    }

    /// Once for each reason.
    fn tell(&mut self, setting: &str, reason: &str) {
        if self.told.as_deref() != Some(reason) {
            tracing::warn!(
                setting,
                reason,
                "What stands in the files is not used yet; what was read before is"
            );
            self.told = Some(reason.to_owned());
        }
    }
}

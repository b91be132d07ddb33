mod of_member;

use super::{
    answer,
    follow::tell_followed,
    load,
    member::Names,
    nodes::{management, replica},
    open_directory,
};
use crate::{
    cli::{KeyArgs, KeyCommand},
    machine::{SystemClock, rng},
};
use anyhow::{Context as _, anyhow, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        key::PresentedKey,
        scope::{Scope, Scopes},
    },
    context::{Management, Replica},
    id::{KeyId, MemberId, TenantId},
    management::{
        key_rotation::rotate_key as rotate,
        keys::{self, CreateKey, KeyError, UpdateKey},
    },
    mode::Mode,
    ports::{
        clock::Clock as _,
        directory::{Directory, keys::KeyChange},
    },
    tenant::OPERATOR,
    time::Timestamp,
};
use std::{path::Path, time::Duration};
use zeroize::Zeroizing;

/// The number of keys read at once.
const PAGE: u16 = 100;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn run(config: Option<&Path>, command: KeyCommand) -> anyhow::Result<()> {
    if let KeyCommand::Generate { test } = command {
        return generate_key(test);
    }
    let settings = load(config, [])?;
    let directory = open_directory(&settings).await?;
    let replica = replica(&settings, &directory);
    let now = SystemClock.now();
    match command {
        KeyCommand::Create {
            owner,
            name,
            scopes,
            test,
            expires_in_days,
            allow,
            twilio,
            member,
            profiles,
        } => {
            let mode = if test { Mode::Test } else { Mode::Live };
            let expires_at = expires_in_days.map(|days| now + DAY * days);
            let allowlist = Allowlist::new(allow)?;
            super::member::find(&directory, owner).await?;
            let profiles = match profiles {
                Some(named) => Some(Names::read(&directory, owner.id()).await?.share_of_profiles(&named)?),
                None => None,
            };
            let new = match owner.id() {
                OPERATOR => CreateKey::of_operator(name, expires_at, allowlist),
                _ => CreateKey {
                    name,
                    mode,
                    scopes: scopes.into_iter().collect(),
                    expires_at,
                    allowlist,
                    profiles,
                    company: true,
                },
            };
            let management = management(&settings, &directory)?;
            create_key(&management, (owner.id(), member), new, Spelling::of(twilio), now).await?;
        }
        KeyCommand::Generate { .. } => {}
        KeyCommand::List(owner) => return list_keys(&directory, owner.id(), now).await,
        KeyCommand::Rotate { key, overlap_hours, twilio } => {
            rotate_key(&replica, key, HOUR * overlap_hours, Spelling::of(twilio), now).await?;
        }
        KeyCommand::Move { key, to } => of_member::move_to(&replica, key, to.member, now).await?,
        KeyCommand::Disable(args) => set_disabled(&replica, args, true, now).await?,
        KeyCommand::Enable(args) => set_disabled(&replica, args, false, now).await?,
        KeyCommand::Delete(args) => {
            let deleted = keys::delete_key(
                &replica,
                &Actor::operator(args.owner.id()),
                args.key,
                &Change::by_operator(now),
            )
            .await;
            deleted.map_err(|error| explain(error, args, "The key was not deleted"))?;
            eprintln!("Deleted {}.", args.key);
        }
    }
    tell_followed(&directory.nodes(), &SystemClock).await;
    Ok(())
}

/// The text alone: `apply` makes the key.
fn generate_key(test: bool) -> anyhow::Result<()> {
    let mode = if test { Mode::Test } else { Mode::Live };
    let id = KeyId::new(SystemClock.now(), &mut rng());
    answer(&PresentedKey::generate(mode, id, &mut rng()).expose())?;
    eprintln!("Keep it as a secret, and name that in a file of `countersign apply`. It is shown this once.");
    Ok(())
}

async fn create_key(
    management: &Management,
    (tenant, member): (TenantId, Option<MemberId>),
    new: CreateKey,
    spelling: Spelling,
    now: Timestamp,
) -> anyhow::Result<()> {
    spelling.judge(new.scopes)?;
    let (by, operator) = (Change::by_operator(now), Actor::operator(tenant));
    let made = match member {
        Some(member) => of_member::create(management, (tenant, member), new, &by).await,
        None => keys::create_key(management, &operator, new, None, &by, &mut rng()).await.map_err(plain),
    };
    let (key, presented) = made.context("The key was not made")?;
    spelling.show(&presented, tenant, key.scopes)?;
    eprintln!("Made {}. The key itself is shown this once; keep it safe.", key.id);
    Ok(())
}

/// Replaces the error by the directory's own, if the directory failed.
pub(super) fn plain(error: KeyError) -> anyhow::Error {
    if let KeyError::Directory(error) = error { error.into() } else { error.into() }
}

/// Explains why a key was not changed. `failed` is the first part of the message if the directory failed.
fn explain(error: KeyError, KeyArgs { owner, key }: KeyArgs, failed: &'static str) -> anyhow::Error {
    match error {
        KeyError::NotFound => anyhow!("{} has no key {key}", owner.name()),
        KeyError::NotInUse => anyhow!("{key} is disabled or has ended; make another one"),
        KeyError::Replaced(successor) => {
            anyhow!("{key} was rotated before; rotate {successor}, which took its place")
        }
        error => plain(error).context(failed),
    }
}

/// How a key is printed. It is one line, so that a script can use it directly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Full,
    /// Without underscores, as a password for Twilio's clients.
    Twilio,
}

impl Spelling {
    fn of(twilio: bool) -> Self {
        if twilio { Self::Twilio } else { Self::Full }
    }

    /// Refuses this spelling for a key without the scope for these clients, before the key is made.
    fn judge(self, scopes: Scopes) -> anyhow::Result<()> {
        ensure!(
            self == Self::Full || scopes.contains(Scope::CompatTwilio),
            "--twilio is for keys with the scope compat:twilio; this one has {scopes}"
        );
        Ok(())
    }

    fn line(self, presented: &PresentedKey) -> Zeroizing<String> {
        match self {
            Self::Full => presented.expose(),
            Self::Twilio => presented.expose_alphanumeric(),
        }
    }

    fn show(self, presented: &PresentedKey, tenant: TenantId, scopes: Scopes) -> anyhow::Result<()> {
        answer(&self.line(presented))?;
        if scopes.contains(Scope::CompatTwilio) {
            let user = countersign_api::account_sid(tenant);
            eprintln!("Twilio's clients take it as the password of {user}.");
            if self == Self::Full {
                eprintln!(
                    "The one for Go takes letters and digits alone: give it the key without its underscores, as \
                     --twilio prints it."
                );
            }
        }
        Ok(())
    }
}

async fn list_keys(directory: &dyn Directory, tenant: TenantId, now: Timestamp) -> anyhow::Result<()> {
    let mut before = None;
    loop {
        let keys = directory.list_keys(tenant, before, PAGE).await.context("The keys cannot be read")?;
        for key in &keys {
            let state = match key {
                key if key.disabled => "disabled",
                key if !key.is_usable(now) => "expired",
                _ => "active",
            };
            let (mode, name, scopes) = (key.mode.as_str(), &key.name, key.scopes);
            let end = key.expires_at.map_or_else(|| "-".to_owned(), |end| end.to_string());
            let successor = key.replaced_by.map_or_else(|| "-".to_owned(), |key| key.to_string());
            let member = key.member.map_or_else(|| "-".to_owned(), |member| member.to_string());
            answer(&format!("{}\t{mode}\t{state}\t{name}\t{scopes}\t{end}\t{successor}\t{member}", key.id))?;
        }
        before = keys.last().map(|key| key.id);
        if keys.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

async fn rotate_key(
    replica: &Replica,
    args: KeyArgs,
    overlap: Duration,
    spelling: Spelling,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (key, tenant) = (args.key, args.owner.id());
    let operator = Actor::operator(tenant);
    let old = keys::read_key(replica, &operator, key).await;
    let old = old.map_err(|error| explain(error, args, "The key cannot be read"))?;
    ensure!(old.is_usable(now), "{key} is disabled or has ended; make another one");
    spelling.judge(old.scopes)?;
    let rotated =
        rotate(replica, &operator, key, (overlap, None), &Change::by_operator(now), &mut rng()).await;
    let (new, presented) = rotated.map_err(|error| explain(error, args, "The key was not rotated"))?;
    spelling.show(&presented, tenant, new.scopes)?;
    let end = old.end_after(overlap, now);
    eprintln!(
        "{} takes the place of {key}, which ends at {end}. The key itself is shown this once; keep it safe.",
        new.id
    );
    Ok(())
}

async fn set_disabled(
    replica: &Replica,
    args: KeyArgs,
    disabled: bool,
    now: Timestamp,
) -> anyhow::Result<()> {
    let change = KeyChange { disabled: Some(disabled), ..KeyChange::default() };
    let update = UpdateKey { change, confirmed: true };
    let changed = keys::update_key(
        replica,
        &Actor::operator(args.owner.id()),
        args.key,
        update,
        &Change::by_operator(now),
    )
    .await;
    changed.map_err(|error| explain(error, args, "The key was not changed"))?;
    eprintln!("{} is {}.", args.key, if disabled { "disabled" } else { "enabled" });
    Ok(())
}

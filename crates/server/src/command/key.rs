use super::{answer, follow::tell_followed, load, open_directory_of};
use crate::{
    cli::{KeyArgs, KeyCommand},
    configuration::Settings,
    machine::{SystemClock, rng},
    wiring,
};
use anyhow::{Context as _, ensure};
use countersign_core::{
    access::{
        allowlist::Allowlist,
        key::{Key, PresentedKey},
        scope::{Scope, Scopes},
    },
    id::{KeyId, TenantId},
    management::key_rotation,
    mode::Mode,
    ports::{
        clock::Clock as _,
        directory::{Directory, KeyChange},
    },
    snapshot::ends::{KeyEnd, Relay},
    time::Timestamp,
};
use std::{path::Path, time::Duration};
use zeroize::Zeroizing;

/// The number of keys read at once.
const PAGE: u16 = 100;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn run(config: Option<&Path>, command: KeyCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let directory = open_directory_of(&settings).await?;
    let now = SystemClock.now();
    match command {
        KeyCommand::Create { tenant, name, scopes, test, expires_in_days, allow, twilio } => {
            let mode = if test { Mode::Test } else { Mode::Live };
            let expires_at = expires_in_days.map(|days| now + DAY * days);
            let (scopes, allowlist) = (scopes.into_iter().collect(), Allowlist::new(allow)?);
            let new = NewKey { tenant, name, scopes, mode, expires_at, allowlist };
            create_key(&directory, new, Spelling::of(twilio), now).await?;
        }
        KeyCommand::List { tenant } => return list_keys(&directory, tenant, now).await,
        KeyCommand::Rotate { key, overlap_hours, twilio } => {
            let end = rotate_key(&directory, key, HOUR * overlap_hours, Spelling::of(twilio), now).await?;
            tell_end(&settings, end).await;
        }
        KeyCommand::Disable(args) => {
            let end = set_disabled(&directory, args, true, now).await?;
            tell_end(&settings, end).await;
        }
        KeyCommand::Enable(args) => drop(set_disabled(&directory, args, false, now).await?),
        KeyCommand::Delete(KeyArgs { tenant, key }) => {
            let deleted = directory.delete_key(tenant, key, now).await.context("The key was not deleted")?;
            ensure!(deleted, "{tenant} has no key {key}");
            tell_end(&settings, Some(KeyEnd::deleted(key))).await;
            eprintln!("Deleted {key}.");
        }
    }
    tell_followed(&directory, &SystemClock).await;
    Ok(())
}

/// Tells the nodes that share Redis, which perhaps cannot reach the database just now.
async fn tell_end(settings: &Settings, end: Option<KeyEnd>) {
    let Some(end) = end else { return };
    let relay = Relay { ends: vec![end], ..Relay::default() };
    if let Err(error) = wiring::tell_nodes(settings, &relay).await {
        eprintln!("Nodes that cannot read the database just now were not told: {error:#}");
    }
}

struct NewKey {
    tenant: TenantId,
    name: String,
    scopes: Scopes,
    mode: Mode,
    expires_at: Option<Timestamp>,
    allowlist: Allowlist,
}

async fn create_key(
    directory: &dyn Directory,
    new: NewKey,
    spelling: Spelling,
    now: Timestamp,
) -> anyhow::Result<()> {
    spelling.judge(new.scopes)?;
    let tenant = directory.tenant(new.tenant).await.context("The tenant cannot be read")?;
    ensure!(tenant.is_some(), "There is no tenant {}; `countersign tenant list` shows them", new.tenant);
    let presented = PresentedKey::generate(new.mode, KeyId::new(now, &mut rng()), &mut rng());
    let NewKey { tenant, name, scopes, expires_at, allowlist, .. } = new;
    let key = Key { expires_at, allowlist, ..Key::new(&presented, tenant, name, scopes, now) };
    directory.create_key(&key, None).await.context("The key was not made")?;
    spelling.show(&presented, tenant, key.scopes)?;
    eprintln!("Made {}. The key itself is shown this once; keep it safe.", key.id);
    Ok(())
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
            answer(&format!("{}\t{mode}\t{state}\t{name}\t{scopes}\t{end}\t{successor}", key.id))?;
        }
        before = keys.last().map(|key| key.id);
        if keys.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

async fn rotate_key(
    directory: &dyn Directory,
    KeyArgs { tenant, key }: KeyArgs,
    overlap: Duration,
    spelling: Spelling,
    now: Timestamp,
) -> anyhow::Result<Option<KeyEnd>> {
    let old = directory.key(tenant, key).await.context("The key cannot be read")?;
    let old = old.with_context(|| format!("{tenant} has no key {key}"))?;
    ensure!(old.is_usable(now), "{key} is disabled or has ended; make another one");
    spelling.judge(old.scopes)?;
    if let Some(successor) = old.replaced_by {
        let found = directory.key(tenant, successor).await.context("The key cannot be read")?;
        ensure!(found.is_none(), "{key} was rotated before; rotate {successor}, which took its place");
    }
    let (rotation, presented) = key_rotation::plan(&old, overlap, now, &mut rng());
    directory.rotate_key(&rotation, None).await.context("The key was not rotated")?;
    spelling.show(&presented, tenant, rotation.new.scopes)?;
    let (new, end) = (rotation.new.id, rotation.ends_at);
    eprintln!(
        "{new} takes the place of {key}, which ends at {end}. The key itself is shown this once; keep it safe."
    );
    Ok(Some(key_rotation::end_of(&rotation)))
}

async fn set_disabled(
    directory: &dyn Directory,
    KeyArgs { tenant, key }: KeyArgs,
    disabled: bool,
    now: Timestamp,
) -> anyhow::Result<Option<KeyEnd>> {
    let change = KeyChange { disabled: Some(disabled), ..KeyChange::default() };
    let changed = directory.update_key(tenant, key, change, now).await.context("The key was not changed")?;
    let changed = changed.with_context(|| format!("{tenant} has no key {key}"))?;
    eprintln!("{key} is {}.", if disabled { "disabled" } else { "enabled" });
    Ok(KeyEnd::of(&changed))
}

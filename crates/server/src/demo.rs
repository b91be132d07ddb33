//! The demo tenant of `dev`, its keys and its owner. They are derived from the key ring in the data folder, so each
//! start prints the same ones. Everybody reads them on the screen, so `serve` must never accept them.

use crate::wiring::Backends;
use anyhow::{Context as _, ensure};
use countersign_core::{
    access::{
        allowlist::Allowlist,
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
    },
    context::Context,
    id::{KeyId, MemberId, PersonId, ProfileId, TenantId},
    keyring::KeyRing,
    locale::Locale,
    management::tenants::{erase_now, erase_tenants},
    mode::Mode,
    people::{
        account::AccountChange,
        hours::Zone,
        member::{Limits, Member, Role},
        password::{Password, Verified},
        person::{EmailAddress, Identity, Person, PersonName},
    },
    phone::countries::Countries,
    ports::{
        directory::{Directory, members::Joining},
        error::StoreError,
        history::HistoryUpkeep,
        people::accounts::{Accounts, Along},
    },
    tenant::{Tenant, TenantChange, TenantName, profile::Profile, settings::Setting},
    time::Timestamp,
};
use rand::{SeedableRng as _, rngs::StdRng};
use std::{io::ErrorKind, path::Path};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

/// The file with the virtual phone's messages, in the data folder.
pub(crate) const INBOX: &str = "inbox.sqlite";

/// The time inside the derived ids, so that they sort like ids made in 2026.
const EPOCH: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The e-mail address of the demo tenant's owner.
const OWNER: &str = "owner@example.com";
/// The characters of derived passwords: none looks like another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The demo tenant, its two keys and its owner.
#[derive(Debug)]
pub struct Demo {
    /// "Acme".
    pub tenant: Tenant,
    /// The key for messages to the virtual phone.
    pub key: PresentedKey,
    /// The key for test mode.
    pub test_key: PresentedKey,
    /// The owner, who can sign in to the portal.
    pub owner: Identity,
    password: Zeroizing<String>,
    profile: ProfileId,
}

impl Demo {
    /// Derives the demo tenant of this key ring. It always succeeds, because the names are valid.
    pub fn derive(keyring: &KeyRing) -> Option<Self> {
        let name = TenantName::parse("Acme")?;
        let tenant = TenantId::from_bytes(derived_id(keyring, "demo tenant"));
        Some(Self {
            tenant: Tenant::new(tenant, name, EPOCH),
            key: derived_key(keyring, Mode::Live),
            test_key: derived_key(keyring, Mode::Test),
            owner: Identity { name: PersonName::parse("Demo Owner")?, email: EmailAddress::parse(OWNER)? },
            password: derived_password(keyring),
            profile: ProfileId::from_bytes(derived_id(keyring, "demo profile")),
        })
    }

    /// The password of the owner.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Makes the database one of `dev`, with the demo in it. Refuses the tenants of `serve`, whose codes `dev` would
    /// show.
    pub(crate) async fn open(
        (context, people): (&Context, &dyn Accounts),
        history: &dyn HistoryUpkeep,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let demo = Self::derive(&context.keyring).context("The demo tenant has no valid name")?;
        let directory = context.directory.as_ref();
        let silent = "The directory does not answer";
        let found = directory.tenant(demo.tenant.id).await.context(silent)?;
        let own = found.is_some() || directory.is_demo().await.context(silent)?;
        ensure!(
            own || directory.list_tenants(None, 1).await.context(silent)?.is_empty(),
            "This database holds tenants of `countersign serve`, whose codes `dev` would show to everybody here; give it another one"
        );
        // The mark comes first, so that no database has a printed key and no mark.
        directory.mark_demo(now).await.context("The database cannot be marked")?;
        if found.is_some_and(|tenant| tenant.erasing) {
            // An erasure that has begun cannot be undone, and no other server will complete this one.
            let erased = erase_tenants(context, &*context.codes, &*context.webhooks, history, now).await;
            let failed = erased.map(|erased| erased.failed.into_iter().next());
            let outcome = failed.and_then(|failed| failed.map_or(Ok(()), |(_, error)| Err(error)));
            outcome.context("The demo tenant that was deleted cannot be erased")?;
        }
        demo.install(directory, &context.keyring, now).await?;
        let mended = demo.mend_password(people, &context.keyring, now).await;
        mended.context("The password of the demo tenant's owner cannot be set")?;
        Ok(demo)
    }

    /// Creates what is missing and repairs what the last run changed, so that the printed keys always work.
    async fn install(
        &self,
        directory: &dyn Directory,
        keyring: &KeyRing,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let by = Change::by_system(now);
        let tenant = Tenant { created_at: now, ..self.tenant.clone() };
        let profile = Profile::first(self.profile, self.tenant.id, now);
        match directory.create_tenant(&tenant, &profile, &Countries::default(), None, &by).await {
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error).context("The demo tenant cannot be made"),
        }
        let enabled = directory.update_tenant(self.tenant.id, &TenantChange::Enable, &by).await;
        let enabled = enabled.context("The demo tenant cannot be enabled")?;
        ensure!(
            enabled.is_some_and(|tenant| !tenant.erasing),
            "The demo tenant of this data folder was deleted, and is being erased; start `countersign dev` again, \
             which goes on with that, or with another folder (--data)"
        );
        let settings = directory.settings(self.tenant.id).await.context("The demo tenant cannot be read")?;
        if !settings.api_allowlist.is_empty() {
            let open = Setting::ApiAllowlist(Allowlist::default());
            directory
                .save_setting(self.tenant.id, &open, &by)
                .await
                .context("The demo tenant cannot be changed")?;
        }
        for (name, key) in [("Demo", &self.key), ("Demo, test mode", &self.test_key)] {
            self.install_key(directory, name, key, &by).await.context("The demo keys cannot be made")?;
        }
        self.install_owner(directory, keyring, &by).await.context("The demo tenant's owner cannot be made")
    }

    async fn install_key(
        &self,
        directory: &dyn Directory,
        name: &str,
        presented: &PresentedKey,
        by: &Change,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant.id;
        let scopes = Scopes::all_but_codes();
        if let Some(key) = directory.key(tenant, presented.id).await? {
            let lasts = key.is_usable(by.at) && key.expires_at.is_none() && key.allowlist.is_empty();
            if presented.matches(&key) && lasts && key.scopes == scopes {
                return Ok(());
            }
            directory.delete_key(tenant, key.id, None, by).await?;
        }
        directory
            .create_key(&Key::new(presented, tenant, name.to_owned(), scopes, by.at), None, None, &[], by)
            .await
    }

    async fn install_owner(
        &self,
        directory: &dyn Directory,
        keyring: &KeyRing,
        by: &Change,
    ) -> anyhow::Result<()> {
        let tenant = self.tenant.id;
        let mut rng = StdRng::from_rng(&mut crate::machine::rng());
        let known = directory.find_person(self.owner.email.mark(keyring)).await?;
        let membership = match &known {
            Some(person) => directory.membership(tenant, person.id).await?,
            None => None,
        };
        if let Some(former) = membership {
            let limits = Limits { role: Role::Owner, ..former.limits.clone() };
            let member = Member { limits, disabled: false, version: former.version + 1, ..former.clone() };
            if (former.limits.role, former.disabled) != (Role::Owner, false) {
                directory.update_member((&former, &member), None, &[], by).await?;
            }
            return Ok(());
        }
        let whole = (Locale::default(), Zone::default());
        let new = Person::new(PersonId::new(&mut rng), &self.owner, whole, keyring, by.at, &mut rng);
        let typed = self.typed()?;
        let password = spawn_blocking(move || typed.hash(&mut crate::machine::rng())).await?;
        let member = Member {
            id: MemberId::new(by.at, &mut rng),
            tenant,
            person: known.as_ref().map_or(new.id, |person| person.id),
            limits: Limits::of_owner(Zone::default()),
            disabled: false,
            version: 1,
            created_at: by.at,
        };
        let is_new = known.is_none();
        let joining = Joining {
            member: &member,
            person: is_new.then_some(&new),
            password: is_new.then_some(&password),
            invitation: None,
        };
        Ok(directory.add_member(joining, None, &[], by).await?)
    }

    fn typed(&self) -> anyhow::Result<Password> {
        Password::read(&self.password).context("The demo password is too long")
    }

    /// Sets the printed password again if the owner has another one.
    async fn mend_password(
        &self,
        people: &dyn Accounts,
        keyring: &KeyRing,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let account = people.find_account(self.owner.email.mark(keyring)).await?;
        let account = account.context("The owner is gone")?;
        let (typed, stored) = (self.typed()?, account.password.clone());
        let other = spawn_blocking(move || match stored {
            Some(stored) if typed.verify(&stored) != Verified::No => None,
            _ => Some(typed.hash(&mut crate::machine::rng())),
        });
        let Some(hash) = other.await? else { return Ok(()) };
        let (change, by) = (AccountChange::Password(hash), Change::by_system(now));
        Ok(people.change_account(&account, &change, Along::default(), &by).await?)
    }
}

/// Refuses a database of `dev`. One that an older release made has the demo tenant of this key ring, and no mark.
pub(crate) async fn refuse_demo(directory: &dyn Directory, keyring: &KeyRing) -> anyhow::Result<()> {
    ensure!(
        !has_demo(directory, keyring).await?,
        "This data folder belongs to `countersign dev`, whose keys are printed at each start; serve from another one, \
         or remove the demo from it with `countersign demo remove`"
    );
    Ok(())
}

/// Whether the database is one of `dev`.
pub(crate) async fn has_demo(directory: &dyn Directory, keyring: &KeyRing) -> anyhow::Result<bool> {
    let demo = Demo::derive(keyring).context("The demo tenant has no valid name")?;
    let silent = "The directory does not answer";
    let found = directory.tenant(demo.tenant.id).await.context(silent)?;
    Ok(found.is_some() || directory.is_demo().await.context(silent)?)
}

/// Removes the demo tenant with its keys and its owner, the messages of the virtual phone, and at last the mark. It
/// may be interrupted at any point and repeated.
pub(crate) async fn remove_demo(backends: &Backends, folder: &Path, by: &Change) -> anyhow::Result<()> {
    let Backends { context, history, .. } = backends;
    let demo = Demo::derive(&context.keyring).context("The demo tenant has no valid name")?;
    let directory = context.directory.as_ref();
    if directory.tenant(demo.tenant.id).await.context("The directory does not answer")?.is_some() {
        let erased = erase_now(context, &*context.webhooks, history.as_ref(), demo.tenant.id, by).await;
        erased.context("The demo tenant cannot be erased")?;
    }
    for end in ["", "-wal", "-shm"] {
        let file = folder.join(format!("{INBOX}{end}"));
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", file.display()));
            }
            _ => {}
        }
    }
    directory.unmark_demo(by).await.context("The mark of the database cannot be removed")
}

fn derived_id(keyring: &KeyRing, purpose: &str) -> [u8; 16] {
    let derived = keyring.derive(purpose);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    id[..6].copy_from_slice(&EPOCH.millis().to_be_bytes()[2..]);
    id
}

/// A password that satisfies the rule, with 80 random bits.
fn derived_password(keyring: &KeyRing) -> Zeroizing<String> {
    let derived = keyring.derive("demo password");
    let mut password = Zeroizing::new(String::with_capacity(24));
    password.push_str("Demo4-");
    password.extend(derived[..16].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
    password
}

fn derived_key(keyring: &KeyRing, mode: Mode) -> PresentedKey {
    let id = KeyId::from_bytes(derived_id(keyring, &format!("demo {} key id", mode.as_str())));
    let secret = keyring.derive(&format!("demo {} key secret", mode.as_str()));
    PresentedKey::from_secret(mode, id, *secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::keyring::VersionedKey;

    fn ring(fingerprint: u8) -> KeyRing {
        let key = || vec![VersionedKey { version: 1, key: [7; 32] }];
        KeyRing::new([fingerprint; 32], key(), key()).unwrap()
    }

    #[test]
    fn a_key_ring_gives_the_same_demo_each_time_and_another_gives_another() {
        let [first, again, other] = [1, 1, 2].map(|n| Demo::derive(&ring(n)).unwrap());
        assert_eq!(first.tenant, again.tenant);
        assert_eq!(first.key.expose(), again.key.expose());
        assert_eq!(first.test_key.expose(), again.test_key.expose());
        assert_ne!(first.tenant.id, other.tenant.id);
        assert_ne!(first.key.expose(), other.key.expose());
        assert_ne!(first.key.id, first.test_key.id);
        assert!(first.key.expose().starts_with("cs_live_"));
        assert!(first.test_key.expose().starts_with("cs_test_"));
        assert_eq!(first.password(), again.password());
        assert_ne!(first.password(), other.password());
    }

    #[test]
    fn the_password_satisfies_the_rule() {
        for n in 0..50 {
            let demo = Demo::derive(&ring(n)).unwrap();
            let password = Password::read(demo.password()).unwrap();
            let known = [demo.owner.email.expose(), demo.owner.name.expose(), demo.tenant.name.as_str()];
            assert_eq!(password.judge(&known), Ok(()), "{}", demo.password());
        }
    }
}

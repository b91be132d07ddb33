//! The demo tenant of `dev`. Its ids and keys are derived from the key ring in the data folder, so each start
//! prints the same ones.

use anyhow::{Context as _, ensure};
use countersign_core::{
    access::{
        allowlist::Allowlist,
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
    },
    id::{KeyId, ProfileId, TenantId},
    keyring::KeyRing,
    mode::Mode,
    phone::countries::Countries,
    ports::{directory::Directory, error::StoreError},
    tenant::{Tenant, TenantChange, TenantName, profile::Profile, settings::Setting},
    time::Timestamp,
};
use std::path::Path;

/// The file with the virtual phone's messages, in the data folder.
pub(crate) const INBOX: &str = "inbox.sqlite";

/// The time inside the derived ids, so that they sort like ids made in 2026.
const EPOCH: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The demo tenant and its two keys.
#[derive(Debug)]
pub struct Demo {
    /// "Acme".
    pub tenant: Tenant,
    /// The key for messages to the virtual phone.
    pub key: PresentedKey,
    /// The key for test mode.
    pub test_key: PresentedKey,
    profile: ProfileId,
}

impl Demo {
    /// Derives the demo tenant of this key ring. It always succeeds, because the name is valid.
    pub fn derive(keyring: &KeyRing) -> Option<Self> {
        let name = TenantName::parse("Acme")?;
        let tenant = TenantId::from_bytes(derived_id(keyring, "demo tenant"));
        Some(Self {
            tenant: Tenant::new(tenant, name, EPOCH),
            key: derived_key(keyring, Mode::Live),
            test_key: derived_key(keyring, Mode::Test),
            profile: ProfileId::from_bytes(derived_id(keyring, "demo profile")),
        })
    }

    /// Creates what is missing and repairs what the last run changed, so that the printed keys always work.
    pub async fn install(&self, directory: &dyn Directory, now: Timestamp) -> anyhow::Result<()> {
        let profile = Profile::first(self.profile, self.tenant.id, EPOCH);
        match directory
            .create_tenant(
                &self.tenant,
                &profile,
                &Countries::default(),
                None,
                &Change::by_system(Timestamp::default()),
            )
            .await
        {
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error).context("The demo tenant cannot be made"),
        }
        let enabled =
            directory.update_tenant(self.tenant.id, &TenantChange::Enable, &Change::by_system(now)).await;
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
                .save_setting(self.tenant.id, &open, &Change::by_system(now))
                .await
                .context("The demo tenant cannot be changed")?;
        }
        for (name, key) in [("Demo", &self.key), ("Demo, test mode", &self.test_key)] {
            self.install_key(directory, name, key, now).await.context("The demo keys cannot be made")?;
        }
        Ok(())
    }

    async fn install_key(
        &self,
        directory: &dyn Directory,
        name: &str,
        presented: &PresentedKey,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant.id;
        let scopes = Scopes::all_but_codes();
        if let Some(key) = directory.key(tenant, presented.id).await? {
            let lasts = key.is_usable(now) && key.expires_at.is_none() && key.allowlist.is_empty();
            if presented.matches(&key) && lasts && key.scopes == scopes {
                return Ok(());
            }
            directory.delete_key(tenant, key.id, None, &Change::by_system(now)).await?;
        }
        directory
            .create_key(
                &Key::new(presented, tenant, name.to_owned(), scopes, now),
                None,
                None,
                &Change::by_system(Timestamp::default()),
            )
            .await
    }
}

/// Refuses a data folder of `dev`. Such a folder has a directory with the demo tenant of this key ring; or,
/// if that tenant was erased, a directory without tenants and the virtual phone's file. If there are other
/// tenants, the phone's file proves nothing: a `dev` that was refused in this folder leaves it behind.
pub(crate) async fn refuse_demo(
    directory: &dyn Directory,
    keyring: &KeyRing,
    folder: &Path,
) -> anyhow::Result<()> {
    let demo = Demo::derive(keyring).context("The demo tenant has no valid name")?;
    let found = directory.tenant(demo.tenant.id).await.context("The directory does not answer")?;
    let erased = folder.join(INBOX).exists()
        && directory.list_tenants(None, 1).await.context("The directory does not answer")?.is_empty();
    ensure!(
        found.is_none() && !erased,
        "This data folder belongs to `countersign dev`, whose keys are printed at each start; serve from another one"
    );
    Ok(())
}

fn derived_id(keyring: &KeyRing, purpose: &str) -> [u8; 16] {
    let derived = keyring.derive(purpose);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    id[..6].copy_from_slice(&EPOCH.millis().to_be_bytes()[2..]);
    id
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
    }
}

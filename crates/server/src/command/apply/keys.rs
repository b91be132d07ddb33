//! Keys: each by the text that a secret holds, of which only the hash is kept.

use super::{
    document::{KeyBody, Placed, TenantBody},
    lines::{Act, FieldChange, Line},
    walk::{Owner, Walk, Walked, What},
};
use crate::machine::rng;
use countersign_api::declared;
use countersign_core::{
    access::{actor::Actor, key::Key},
    id::{KeyId, TenantId},
    management::{
        key_rotation::OVERLAP,
        keys::{self, UpdateKey},
    },
    ports::{
        applied::{Applied, AppliedKind},
        directory::keys::KeyChange,
    },
    tenant::scopes_of,
    time::Timestamp,
};
use serde_json::json;

impl Walk<'_> {
    pub(super) async fn keys(&mut self, owner: &Owner, body: &TenantBody) -> Walked {
        for Placed { place, value: key } in &body.keys {
            if !scopes_of(owner.id, key.presented.mode).covers(key.new.scopes) {
                self.fault(place, "scopes", "hold one that no key of a tenant has");
                continue;
            }
            let found = self.management.directory.presented_key(key.presented.id).await?;
            if let Some(is) = &found
                && !self.may_be(owner, place, key, is)
            {
                continue;
            }
            self.key(owner, place, key, found).await?;
        }
        Ok(())
    }

    /// Whether a key that has the id is the one of the file.
    fn may_be(&mut self, owner: &Owner, place: &str, key: &KeyBody, is: &Key) -> bool {
        if is.tenant != owner.id || !key.presented.matches(is) {
            let message =
                format!("has the id of another key, {}; `countersign key generate` makes one", is.id);
            self.fault(place, "secret", message);
            return false;
        }
        if is.scopes != key.new.scopes {
            let message = format!("cannot change, and {} has {}; give another secret", is.id, is.scopes);
            self.fault(place, "scopes", message);
            return false;
        }
        true
    }

    async fn key(&mut self, owner: &Owner, place: &str, key: &KeyBody, found: Option<Key>) -> Walked {
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        let new = &key.new;
        let name = new.name.clone().into_string();
        let made = Key::new(&key.presented, owner.id, name.clone(), new.scopes, self.now);
        let disabled = key.disabled.or(found.as_ref().map(|is| is.disabled)).unwrap_or(false);
        let shall = Key { expires_at: new.expires_at, allowlist: new.allowlist.clone(), disabled, ..made };
        let before = found.as_ref().map(|is| (is.id.to_string(), declared::show_key(is)));
        let change = KeyChange {
            name: Some(name.clone()),
            disabled: Some(disabled),
            expires_at: Some(new.expires_at),
            allowlist: Some(new.allowlist.clone()),
            profiles: None,
        };
        let what = What { owner, kind: AppliedKind::Key, name: &name, place };
        self.object(what, before, &declared::show_key(&shall), async || {
            if found.is_none() {
                keys::install_key(management, &actor, new.clone(), &key.presented, &by, &mut rng()).await?;
            }
            if found.is_some() || disabled {
                let update = UpdateKey { change, confirmed: true };
                keys::update_key(management, &actor, key.presented.id, update, &by).await?;
            }
            Ok(key.presented.id.to_string())
        })
        .await
    }

    /// What becomes of a key that the file no longer has: one whose name has another secret now is rotated
    /// out, and is deleted by a later run; any other is deleted.
    pub(super) async fn prune_key(
        &mut self,
        (owner, body): (&Owner, Option<&TenantBody>),
        id: KeyId,
        note: &Applied,
    ) -> Walked {
        let actor = owner.actor();
        let Some(key) = self.management.directory.key(owner.id, id).await? else {
            return self.forget(note).await;
        };
        let replaced = body.into_iter().flat_map(|body| &body.keys);
        let replaced =
            replaced.map(|one| one.value.new.name.clone().into_string()).any(|name| name == key.name);
        let line = |act, changes, note| {
            let (tenant, kind, name) = (owner.name.clone(), AppliedKind::Key, key.name.clone());
            Line { act, tenant, kind, name, changes, note: Some(note) }
        };
        if !replaced || !key.is_usable(self.now) {
            if !self.dry {
                keys::delete_key(self.management, &actor, id, &self.by()).await?;
            }
            self.forget(note).await?;
            return self.line(line(Act::Delete, Vec::new(), id.to_string()));
        }
        let end = key.end_after(OVERLAP, self.now);
        if key.expires_at == Some(end) {
            // It ends within the overlap by itself.
            self.unchanged += 1;
            return Ok(());
        }
        if !self.dry {
            self.end_key(owner.id, id, end).await?;
        }
        let ends = FieldChange {
            field: "expires_at".to_owned(),
            from: json!(key.expires_at.map(|at| at.to_string())),
            to: json!(end.to_string()),
        };
        self.line(line(Act::Update, vec![ends], format!("{id} has another secret in its place")))
    }

    async fn end_key(&self, tenant: TenantId, id: KeyId, end: Timestamp) -> Walked {
        let change = KeyChange { expires_at: Some(Some(end)), ..KeyChange::default() };
        let update = UpdateKey { change, confirmed: true };
        keys::update_key(self.management, &Actor::operator(tenant), id, update, &self.by()).await?;
        Ok(())
    }
}

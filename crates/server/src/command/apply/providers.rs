//! Accounts at providers, of a tenant or of the operator.

use super::{
    document::{Placed, Share},
    lines::{Act, FieldChange, Line},
    walk::{Declared, Failure, Owner, Walk, Walked, What},
};
use crate::machine::rng;
use anyhow::anyhow;
use countersign_api::declared::{self, Provider};
use countersign_core::{
    delivery::account::{ProviderAccount, Shared},
    id::TenantId,
    management::providers::{self, ProviderChange},
    phone::PhoneNumber,
    ports::{applied::AppliedKind, gateways::TrialOutcome},
    tenant::PORTAL,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

impl Walk<'_> {
    pub(super) async fn providers(&mut self, owner: &Owner, all: &[Placed<(Provider, Share)>]) -> Walked {
        let is = providers::list_providers(self.management, owner.id).await?;
        for Placed { place, value: (body, share) } in all {
            let found = is.iter().find(|account| account.name == body.new.name.as_str());
            if found.is_some_and(|is| is.kind != body.new.kind) {
                self.fault(place, "kind", "of an account never changes; give it another name");
                continue;
            }
            let Some(shared) = self.shared(place, share) else { continue };
            self.provider(owner, place, body, (found, shared)).await?;
        }
        Ok(())
    }

    /// The tenants that the file names, by id.
    fn shared(&mut self, place: &str, share: &Share) -> Option<Shared> {
        let names = match share {
            Share::No => return Some(Shared::No),
            Share::All => return Some(Shared::All),
            Share::With(names) => names,
        };
        let mut tenants = BTreeSet::new();
        for name in names {
            let is = |id: TenantId, called: &str| called == name || id.to_string() == *name;
            let of_file =
                self.owners.iter().map(|owner| (owner.id, owner.name.as_deref().unwrap_or_default()));
            let others = self.tenants.iter().filter(|one| one.deleted_at.is_none());
            let others = others.map(|tenant| (tenant.id, tenant.name.as_str())).chain([(PORTAL, "portal")]);
            let found: BTreeSet<_> =
                of_file.chain(others).filter(|(id, called)| is(*id, called)).map(|one| one.0).collect();
            match found.len() {
                1 => tenants.extend(found),
                0 => self.fault(place, "share", format!("names no tenant {name}")),
                _ => self.fault(place, "share", format!("names one of several tenants {name}; give its id")),
            }
        }
        (tenants.len() == names.len()).then_some(Shared::With(tenants))
    }

    async fn provider(
        &mut self,
        owner: &Owner,
        place: &str,
        Provider { new, enabled, test_to }: &Provider,
        (found, shared): (Option<&ProviderAccount>, Shared),
    ) -> Walked {
        let (management, by, name) = (self.management, self.by(), new.name.as_str());
        let mut before = None;
        let (mut same, mut verified) = (false, false);
        let mut hidden = Vec::new();
        if let Some(is) = found {
            let opened = is.open(&management.keyring);
            let opened =
                opened.ok_or_else(|| anyhow!("{place}: the settings cannot be opened with this key ring"))?;
            same = opened == new.settings;
            verified = same && is.verified_at.is_some();
            if !same {
                hidden = secrets("settings", &opened, &new.settings, &is.shown);
            }
            before = Some((is.id.to_string(), self.show(is)));
        }
        let enabled = enabled.or(found.map(|is| is.enabled)).unwrap_or(true);
        let mut after = Map::new();
        after.insert("kind".to_owned(), new.kind.as_str().into());
        after.insert("enabled".to_owned(), enabled.into());
        after.insert("rate".to_owned(), json!(new.rate));
        after.insert("settings".to_owned(), management.gateways.redact(&new.kind, &new.settings));
        after.insert("share".to_owned(), self.show_share(&shared));
        let usable = enabled && (verified || test_to.is_some());
        let declared = Declared { usable, shared: shared.clone() };
        self.accounts.insert((owner.id, name.to_owned()), declared);
        let what = What { owner, kind: AppliedKind::Provider, name, place };
        self.object_with(what, before, (&after, hidden), async || {
            let id = match found {
                Some(is) => is.id,
                None => {
                    let new = providers::NewProvider { shared: shared.clone(), ..new.clone() };
                    providers::create_provider(management, owner.id, new, None, &by, &mut rng())
                        .await?
                        .value
                        .id
                }
            };
            let differs = |is: &&ProviderAccount| !same || is.rate != new.rate || is.shared != shared;
            let switched = found.is_none_or(|is| is.enabled) != enabled;
            if found.as_ref().is_some_and(differs) || switched {
                let change = ProviderChange {
                    name: None,
                    enabled: switched.then_some(enabled),
                    settings: found
                        .filter(|_| !same)
                        .map(|is| patch(is.open(&management.keyring), &new.settings)),
                    rate: Some(new.rate),
                    shared: found.filter(|is| is.shared != shared).map(|_| shared),
                };
                providers::update_provider(management, owner.id, id, change, &by, &mut rng()).await?;
            }
            Ok(id.to_string())
        })
        .await?;
        match test_to {
            Some(to) if enabled && !verified => self.try_account(owner, place, (name, to)).await,
            _ => Ok(()),
        }
    }

    /// Sends the message that shows that an account works.
    async fn try_account(&mut self, owner: &Owner, place: &str, (name, to): (&str, &PhoneNumber)) -> Walked {
        if !self.dry {
            let all = providers::list_providers(self.management, owner.id).await?;
            let account = all.iter().find(|account| account.name == name).ok_or(Failure::Raced)?;
            // The tenant's name is in the message, and the tenant may be new.
            self.management.refresh().await?;
            let by = self.by();
            let outcome =
                providers::test_provider(self.management, None, owner.id, account.id, to.clone(), &by)
                    .await?;
            if let TrialOutcome::Refused { class, reason } = outcome {
                let error = anyhow!("{place}: the provider refused the test message ({class}): {reason}");
                return Err(Failure::Error(error));
            }
        }
        self.line(Line {
            act: Act::Update,
            tenant: owner.name.clone(),
            kind: AppliedKind::Provider,
            name: name.to_owned(),
            changes: Vec::new(),
            note: Some("a test message".to_owned()),
        })
    }

    fn show(&self, account: &ProviderAccount) -> Map<String, Value> {
        let mut shown = declared::show_provider(account);
        shown.insert("share".to_owned(), self.show_share(&account.shared));
        shown
    }

    fn show_share(&self, shared: &Shared) -> Value {
        match shared {
            Shared::No => Value::Null,
            Shared::All => "all".into(),
            Shared::With(tenants) => tenants.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The merge patch that makes settings what they shall be. It has all of them: what is not sent again of an
/// account that moves elsewhere does not count.
fn patch(old: Option<Value>, new: &Value) -> Value {
    let (Some(Value::Object(old)), Value::Object(new)) = (old, new) else { return new.clone() };
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let mut all: Map<String, Value> = gone.collect();
    for (name, value) in new {
        let value = match old.get(name) {
            Some(before @ Value::Object(_)) if value.is_object() => patch(Some(before.clone()), value),
            _ => value.clone(),
        };
        all.insert(name.clone(), value);
    }
    Value::Object(all)
}

/// The fields that differ and that nobody is shown.
fn secrets(place: &str, old: &Value, new: &Value, shown: &Value) -> Vec<FieldChange> {
    match (old, new, shown) {
        (Value::Object(old), Value::Object(new), Value::Object(shown)) => {
            let both = new.iter().filter_map(|(name, to)| Some((name, old.get(name)?, to, shown.get(name)?)));
            both.flat_map(|(name, from, to, shown)| secrets(&format!("{place}.{name}"), from, to, shown))
                .collect()
        }
        (old, new, Value::String(shown)) if shown == "***" && old != new => vec![FieldChange::hidden(place)],
        _ => Vec::new(),
    }
}

//! Routes, of a tenant or of the operator.

use super::{
    document::{Placed, RouteBody},
    walk::{Declared, Failure, Owner, Walk, Walked, What},
};
use crate::machine::rng;
use countersign_api::declared;
use countersign_core::{
    delivery::route::Route,
    id::{ProviderId, RouteId, TenantId},
    management::{
        providers,
        routes::{self, RouteChange},
    },
    ports::applied::AppliedKind,
    tenant::OPERATOR,
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

impl Walk<'_> {
    pub(super) async fn routes(&mut self, owner: &Owner, all: &[Placed<RouteBody>]) -> Walked {
        if all.is_empty() {
            return Ok(());
        }
        let is = routes::list_routes(self.management, owner.id).await?;
        let mut accounts = self.accounts_of(owner.id, OPERATOR).await?;
        accounts.extend(self.accounts_of(owner.id, owner.id).await?);
        let names: BTreeMap<ProviderId, String> =
            accounts.iter().filter_map(|(name, one)| Some((one.id?, name.clone()))).collect();
        let show = |route: &Route| {
            let mut shown = declared::show_route(route);
            if let Some(name) = names.get(&route.provider) {
                shown.insert("provider".to_owned(), name.as_str().into());
            }
            shown
        };
        let (management, by) = (self.management, self.by());
        for Placed { place, value: RouteBody { name, provider, change } } in all {
            let found = is.iter().find(|route| route.name == name.as_str());
            let Some(account) = accounts.get(provider.as_str()) else {
                self.fault(
                    place,
                    "provider",
                    format!("names no account {} that is there", provider.as_str()),
                );
                continue;
            };
            let enabled = change.enabled.or(found.map(|is| is.enabled)).unwrap_or(true);
            let mut route = found.cloned().unwrap_or_else(|| fresh(owner.id, self.now));
            let change = RouteChange { enabled: Some(enabled), ..change.clone() };
            change.clone().apply(&mut route);
            let mut after = show(&route);
            after.insert("provider".to_owned(), provider.as_str().into());
            let before = found.map(|is| (is.id.to_string(), show(is)));
            let stays = before.as_ref().is_some_and(|(_, before)| *before == after);
            if !stays && (enabled || found.is_none()) && !account.usable {
                let message = format!(
                    "{} has taken no message with its settings or is disabled; give it `test_to`, or try it with \
                     `countersign provider test`",
                    provider.as_str()
                );
                self.fault(place, "provider", message);
                continue;
            }
            let what = What { owner, kind: AppliedKind::Route, name: name.as_str(), place };
            self.object(what, before, &after, async || {
                let to = account.id.ok_or(Failure::Raced)?;
                let route = match found {
                    Some(is) => {
                        let change = RouteChange { provider: Some(to), ..change };
                        routes::update_route(management, owner.id, is.id, change, &by).await?
                    }
                    None => {
                        let named = (name.clone(), to);
                        routes::create_route(management, owner.id, named, change, None, &by, &mut rng())
                            .await?
                            .value
                    }
                };
                Ok(route.id.to_string())
            })
            .await?;
        }
        Ok(())
    }

    /// The accounts of `holder` that a tenant may use, by name: those that are there, and in a dry walk those
    /// that the file makes.
    async fn accounts_of(&self, tenant: TenantId, holder: TenantId) -> Walked<BTreeMap<String, Account>> {
        let mut found = BTreeMap::new();
        for is in providers::list_providers(self.management, holder).await? {
            let declared = self.accounts.get(&(holder, is.name.clone()));
            let shared = declared.map_or(&is.shared, |declared| &declared.shared);
            if holder == tenant || shared.covers(tenant) {
                let usable =
                    declared.map_or(is.enabled && is.verified_at.is_some(), |declared| declared.usable);
                found.insert(is.name, Account { id: Some(is.id), usable });
            }
        }
        let covers = |declared: &Declared| holder == tenant || declared.shared.covers(tenant);
        let of_file = self.accounts.iter().filter(|((of, _), declared)| *of == holder && covers(declared));
        for ((_, name), declared) in of_file {
            found.entry(name.clone()).or_insert(Account { id: None, usable: declared.usable });
        }
        Ok(found)
    }
}

/// An account that a route may name.
struct Account {
    /// None while only the file has it.
    id: Option<ProviderId>,
    usable: bool,
}

fn fresh(tenant: TenantId, now: Timestamp) -> Route {
    Route {
        id: RouteId::from_bytes([0; 16]),
        tenant,
        name: String::new(),
        enabled: true,
        order: Route::ORDER,
        weight: Route::WEIGHT,
        countries: BTreeSet::new(),
        prefixes: BTreeSet::new(),
        provider: ProviderId::from_bytes([0; 16]),
        sender: None,
        receipt_timeout: None,
        version: 1,
        created_at: now,
    }
}

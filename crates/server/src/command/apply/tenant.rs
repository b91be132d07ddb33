//! Tenants and what they set: limits, profiles, senders, templates.

use super::{
    document::{Placed, TenantBody},
    lines::{Act, Line},
    walk::{Found, Owner, Walk, Walked, What},
};
use crate::machine::rng;
use countersign_api::declared;
use countersign_core::{
    access::allowlist::ListChange,
    id::{ProfileId, TemplateId, TenantId},
    management::{
        allowlists, countries, profiles,
        security::{self, SecurityError},
        senders, settings, templates, tenants,
    },
    message::template::set::TemplateSet,
    phone::countries::Countries,
    ports::applied::{Applied, AppliedKind},
    tenant::{OPERATOR, Tenant, TenantChange, profile::Profile, security::Security, settings::Settings},
    time::Timestamp,
};
use std::collections::BTreeMap;

impl Walk<'_> {
    /// The id that a source gives a tenant of this name: two runs at once make one tenant, and a run that
    /// was killed is known by it.
    fn derived(&self, body: &TenantBody) -> TenantId {
        let parts = [self.source.as_bytes(), body.name.as_str().as_bytes()];
        let hash = self.management.keyring.hash("applied tenant", OPERATOR, &parts);
        // The time in it is 0, which no other id has.
        let mut bytes = *TenantId::floor(Timestamp::default()).bytes();
        bytes[6..].copy_from_slice(&hash[..10]);
        TenantId::from_bytes(bytes)
    }

    /// The id that it has or shall have, and the tenant if it is there. `None` if that cannot be told.
    fn find(
        &mut self,
        Placed { place, value: body }: &Placed<TenantBody>,
    ) -> Option<(TenantId, Option<Tenant>)> {
        let derived = body.id.unwrap_or_else(|| self.derived(body));
        let by_id = self.tenants.iter().find(|tenant| tenant.id == derived).cloned();
        if by_id.is_some() || body.id.is_some() {
            return Some((derived, by_id));
        }
        let named = self.tenants.iter().filter(|one| one.name == body.name && one.deleted_at.is_none());
        let named: Vec<_> = named.cloned().collect();
        match named.as_slice() {
            [] => Some((derived, None)),
            [one] => Some((one.id, Some(one.clone()))),
            _ => {
                self.fault(place, "name", "several tenants have this name; give `id`");
                None
            }
        }
    }

    /// Makes a tenant and its settings what the file says; absent settings stay as they are.
    pub(super) async fn tenant(
        &mut self,
        placed: &Placed<TenantBody>,
        default: Option<&Countries>,
    ) -> Walked<Option<Owner>> {
        let Placed { place, value: body } = placed;
        let Some((id, found)) = self.find(placed) else { return Ok(None) };
        let name = body.name.as_str().to_owned();
        let owner = Owner { id, name: Some(name.clone()), new: found.is_none() };
        if let Some(at) = found.as_ref().and_then(Tenant::erased_from) {
            let way = format!("`countersign tenant enable {id}` takes that back");
            self.fault(
                place,
                "name",
                format!("the tenant {id} was deleted and is erased from {at} on; {way}"),
            );
            return Ok(None);
        }
        let note = Applied { tenant: id, kind: AppliedKind::Tenant, entity: id.to_string() };
        if self.named.contains(&note) {
            self.fault(place, "name", "stands twice, or leads to a tenant that stands before");
            return Ok(None);
        }
        let wanted = &body.settings;
        let is = match found {
            Some(_) => self.management.directory.settings(id).await?,
            None => Settings::default(),
        };
        if let Some(security) = &wanted.security
            && !self.is_possible(security, id, place).await?
        {
            return Ok(None);
        }
        let mut before = wanted.stored(&is).show(id);
        let mut after = wanted.show(id);
        if let Some(tenant) = &found {
            before.insert("name".to_owned(), tenant.name.as_str().into());
            after.insert("name".to_owned(), name.as_str().into());
        }
        let countries = wanted.countries.as_ref().or(default);
        if found.is_none() && countries.is_none() {
            self.fault(place, "countries", "must be given, or tenants.countries be set");
            return Ok(None);
        }
        let before: Found = found.as_ref().map(|_| (id.to_string(), before));
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        let of = Owner { name: None, ..owner.clone() };
        let what = What { owner: &of, kind: AppliedKind::Tenant, name: &name, place };
        self.object(what, before, &after, async || {
            match (&found, countries) {
                (None, Some(countries)) => {
                    tenants::create_tenant_as(
                        management,
                        id,
                        (body.name.clone(), countries),
                        &by,
                        &mut rng(),
                    )
                    .await?;
                }
                (Some(tenant), _) if tenant.name != body.name => {
                    let rename = TenantChange::Rename(body.name.clone());
                    tenants::change_tenant(management, id, &rename, &by).await?;
                }
                _ => {}
            }
            if let Some(countries) = wanted.countries.as_ref().filter(|countries| **countries != is.countries)
            {
                countries::save_countries(management, &actor, countries.clone(), &by).await?;
            }
            if wanted.locale.is_some() && wanted.locale != is.locale {
                settings::save_locale(management, &actor, wanted.locale.clone(), &by).await?;
            }
            if let Some(list) = wanted.api_allowlist.as_ref().filter(|list| **list != is.api_allowlist) {
                allowlists::replace_api_allowlist(management, &actor, list.clone(), true, &by).await?;
            }
            if let Some(list) = wanted.portal_allowlist.as_ref().filter(|list| **list != is.portal_allowlist)
            {
                let change = ListChange::Replace(list.clone());
                allowlists::change_portal_allowlist(management, &actor, change, true, &by).await?;
            }
            if let Some(wanted) = wanted.security.as_ref().filter(|wanted| **wanted != is.security) {
                security::change_security(management, &actor, &wanted.clone().into(), &by).await?;
            }
            Ok(id.to_string())
        })
        .await?;
        if body.id.is_none() && id == self.derived(body) {
            // Made by a run that was killed before it could note that.
            self.note(note).await?;
        }
        Ok(Some(owner))
    }

    /// Whether the tenant can have these security settings. If not, adds what is wrong with them.
    async fn is_possible(&mut self, security: &Security, id: TenantId, place: &str) -> Walked<bool> {
        let checked = match security.check(id) {
            Ok(()) if security.require_2fa.is_some() => security::refuse_without_codes(self.management).await,
            checked => checked.map_err(SecurityError::from),
        };
        match checked {
            Ok(()) => Ok(true),
            Err(SecurityError::Directory(error)) => Err(error.into()),
            Err(error) => {
                self.fault(place, "security", error.to_string());
                Ok(false)
            }
        }
    }

    /// What the tenant sets, without keys, accounts and routes.
    pub(super) async fn settings(&mut self, owner: &Owner, body: &TenantBody) -> Walked {
        self.limits(owner, body).await?;
        self.profiles(owner, body).await?;
        self.senders(owner, body).await?;
        self.templates(owner, body).await
    }

    async fn limits(&mut self, owner: &Owner, body: &TenantBody) -> Walked {
        let is = self.management.directory.settings(owner.id).await?;
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        for Placed { place, value: (limit, buckets) } in &body.limits {
            let name = limit.as_str();
            let what = What { owner, kind: AppliedKind::Limit, name, place };
            let before = is.limits.get(limit).map(|is| (name.to_owned(), declared::show_limit(is)));
            self.object(what, before, &declared::show_limit(buckets), async || {
                settings::save_limit(management, &actor, limit.clone(), buckets.clone(), &by).await?;
                Ok(name.to_owned())
            })
            .await?;
        }
        Ok(())
    }

    async fn profiles(&mut self, owner: &Owner, body: &TenantBody) -> Walked {
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        let mut is = profiles::list_profiles(management, &actor).await?;
        let first = Profile::first(ProfileId::new(self.now, &mut rng()), owner.id, self.now);
        if owner.new && is.is_empty() {
            // It comes with its tenant.
            is.push(first.clone());
        }
        for Placed { place, value: (profile, change) } in &body.profiles {
            let what = What { owner, kind: AppliedKind::Profile, name: profile.as_str(), place };
            let found = is.iter().find(|one| one.name == *profile);
            let before = found.map(|is| (is.id.to_string(), declared::show_profile(is)));
            let limits = Some(change.limits.clone().unwrap_or_default());
            let change = profiles::ProfileChange { limits, ..change.clone() };
            let after = declared::show_profile(&change.clone().apply(first.clone()));
            self.object(what, before, &after, async || {
                let saved =
                    profiles::save_profile(management, &actor, profile.clone(), change, &by, &mut rng())
                        .await?;
                Ok(saved.0.id.to_string())
            })
            .await?;
        }
        Ok(())
    }

    async fn senders(&mut self, owner: &Owner, body: &TenantBody) -> Walked {
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        let is = senders::list_senders(management, &actor).await?;
        for Placed { place, value: (text, countries) } in &body.senders {
            let found = is.iter().find(|sender| sender.text == *text);
            let before =
                found.map(|sender| (sender.id.to_string(), declared::show_sender(&sender.countries)));
            let what = What { owner, kind: AppliedKind::Sender, name: text.as_str(), place };
            self.object(what, before, &declared::show_sender(countries), async || {
                let asked = (text.clone(), countries.clone());
                let sender = match found {
                    Some(is) => {
                        senders::update_sender(management, &actor, is.id, countries.clone(), &by).await?
                    }
                    None => {
                        senders::create_sender(management, &actor, asked, None, &by, &mut rng()).await?.value
                    }
                };
                Ok(sender.id.to_string())
            })
            .await?;
        }
        Ok(())
    }

    async fn templates(&mut self, owner: &Owner, body: &TenantBody) -> Walked {
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        let is = templates::list_templates(management, &actor).await?;
        for Placed { place, value: (name, change) } in &body.templates {
            let mut after = TemplateSet {
                id: TemplateId::new(self.now, &mut rng()),
                name: name.clone(),
                version: 1,
                texts: BTreeMap::new(),
                transaction_texts: BTreeMap::new(),
                transliterate: false,
            };
            if change.clone().apply(&mut after).is_err() {
                self.fault(place, "texts", "must hold at least one text");
                continue;
            }
            let after = declared::show_template((after, self.now, self.now));
            let found = is.iter().find(|(set, _, _)| set.name == *name);
            let before = found.map(|is| (is.0.id.to_string(), declared::show_template(is.clone())));
            let what = What { owner, kind: AppliedKind::Template, name: name.as_str(), place };
            self.object(what, before, &after, async || {
                let change = change.clone();
                let (set, _, _) = match found {
                    Some((is, _, _)) => {
                        templates::update_template(management, &actor, is.id, change, &by).await?
                    }
                    None => {
                        let asked = (name.clone(), change);
                        templates::create_template(management, &actor, asked, None, &by, &mut rng())
                            .await?
                            .value
                    }
                };
                Ok(set.id.to_string())
            })
            .await?;
        }
        Ok(())
    }

    /// Deletes a tenant that the file made and no longer names, if that was asked for.
    pub(super) async fn prune_tenant(&mut self, tenant: Tenant, asked: bool) -> Walked {
        let (kind, name) = (AppliedKind::Tenant, tenant.name.as_str().to_owned());
        let line = |act, note| Line { act, tenant: None, kind, name, changes: Vec::new(), note: Some(note) };
        if !asked {
            let note = "the file names it no more, and it stays; --prune-tenants deletes it".to_owned();
            return self.line(line(Act::Keep, note));
        }
        if !self.dry {
            tenants::change_tenant(self.management, tenant.id, &TenantChange::Delete, &self.by()).await?;
        }
        self.line(line(Act::Delete, format!("{} is erased after 30 days", tenant.id)))
    }
}

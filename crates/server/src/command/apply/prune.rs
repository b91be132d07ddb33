//! Deletes what the file made and no longer names: routes before the accounts that they lead through.

use super::{
    document::{Document, TenantBody},
    lines::{Act, Line},
    walk::{Owner, Walk, Walked},
};
use countersign_core::{
    context::Management,
    id::{ProviderId, RouteId, SenderId, TemplateId},
    management::{profiles, providers, routes, senders, settings, templates},
    ports::applied::{Applied, AppliedKind},
    tenant::{OPERATOR, limits::LimitName},
};

/// In this order.
const KINDS: [AppliedKind; 7] = [
    AppliedKind::Route,
    AppliedKind::Provider,
    AppliedKind::Sender,
    AppliedKind::Template,
    AppliedKind::Key,
    AppliedKind::Profile,
    AppliedKind::Limit,
];

impl Walk<'_> {
    pub(super) async fn prune(&mut self, document: &Document, owners: &[Owner], tenants_too: bool) -> Walked {
        let bodies: Vec<(&Owner, &TenantBody)> =
            owners.iter().zip(document.tenants.iter().map(|placed| &placed.value)).collect();
        let operator = Owner::operator();
        let mut left: Vec<Applied> = self.made.difference(&self.named).cloned().collect();
        left.sort_by_key(|one| (one.tenant, one.kind, one.entity.clone()));
        for kind in KINDS {
            for note in left.iter().filter(|one| one.kind == kind) {
                if note.tenant == OPERATOR {
                    self.prune_one((&operator, None), note).await?;
                } else if let Some((owner, body)) = bodies.iter().find(|(owner, _)| owner.id == note.tenant) {
                    self.prune_one((owner, Some(body)), note).await?;
                }
                // All else goes with its tenant.
            }
        }
        for note in left.iter().filter(|one| one.kind == AppliedKind::Tenant) {
            let tenant = self.tenants.iter().find(|tenant| tenant.id == note.tenant).cloned();
            if let Some(tenant) = tenant.filter(|tenant| tenant.deleted_at.is_none()) {
                self.prune_tenant(tenant, tenants_too).await?;
            }
        }
        Ok(())
    }

    /// Nothing of it is there any more.
    pub(super) async fn forget(&self, note: &Applied) -> Walked {
        if !self.dry {
            self.notes.forget_applied(self.source, note).await?;
        }
        Ok(())
    }

    async fn prune_one(&mut self, of: (&Owner, Option<&TenantBody>), note: &Applied) -> Walked {
        let owner = of.0;
        if note.kind == AppliedKind::Key {
            let Ok(id) = note.entity.parse() else { return Ok(()) };
            return self.prune_key(of, id, note).await;
        }
        let Some(name) = name(self.management, owner, note).await? else { return self.forget(note).await };
        if !self.dry {
            self.delete(owner, note, &name).await?;
        }
        self.forget(note).await?;
        let (tenant, kind) = (owner.name.clone(), note.kind);
        self.line(Line { act: Act::Delete, tenant, kind, name, changes: Vec::new(), note: None })
    }

    async fn delete(&self, owner: &Owner, note: &Applied, name: &str) -> Walked {
        let (management, by, actor) = (self.management, self.by(), owner.actor());
        let id = &note.entity;
        match note.kind {
            AppliedKind::Route => {
                if let Ok(id) = id.parse::<RouteId>() {
                    routes::delete_route(management, owner.id, id, &by).await?;
                }
            }
            AppliedKind::Provider => {
                if let Ok(id) = id.parse::<ProviderId>() {
                    providers::delete_provider(management, owner.id, id, &by).await?;
                }
            }
            AppliedKind::Sender => {
                if let Ok(id) = id.parse::<SenderId>() {
                    senders::delete_sender(management, &actor, id, &by).await?;
                }
            }
            AppliedKind::Template => {
                if let Ok(id) = id.parse::<TemplateId>() {
                    templates::delete_template(management, &actor, id, &by).await?;
                }
            }
            AppliedKind::Profile => {
                if let Ok(id) = id.parse() {
                    profiles::delete_profile_by_id(management, &actor, id, &by).await?;
                }
            }
            AppliedKind::Limit => {
                if let Some(name) = LimitName::parse(name) {
                    settings::delete_limit(management, &actor, name, &by).await?;
                }
            }
            AppliedKind::Key | AppliedKind::Tenant => {}
        }
        Ok(())
    }
}

/// What it is called, if it is there.
async fn name(management: &Management, owner: &Owner, note: &Applied) -> Walked<Option<String>> {
    let (actor, id) = (owner.actor(), &note.entity);
    Ok(match note.kind {
        AppliedKind::Profile => {
            let all = profiles::list_profiles(management, &actor).await?;
            all.into_iter().find(|one| one.id.to_string() == *id).map(|one| one.name.as_str().to_owned())
        }
        AppliedKind::Limit => {
            let limits = management.directory.settings(owner.id).await?.limits;
            limits.into_keys().find(|name| name.as_str() == id).map(|name| name.as_str().to_owned())
        }
        AppliedKind::Route => {
            let all = routes::list_routes(management, owner.id).await?;
            all.into_iter().find(|one| one.id.to_string() == *id).map(|one| one.name)
        }
        AppliedKind::Provider => {
            let all = providers::list_providers(management, owner.id).await?;
            all.into_iter().find(|one| one.id.to_string() == *id).map(|one| one.name)
        }
        AppliedKind::Sender => {
            let all = senders::list_senders(management, &actor).await?;
            all.into_iter().find(|one| one.id.to_string() == *id).map(|one| one.text.to_string())
        }
        AppliedKind::Template => {
            let all = templates::list_templates(management, &actor).await?;
            all.into_iter().find(|one| one.0.id.to_string() == *id).map(|one| one.0.name.as_str().to_owned())
        }
        AppliedKind::Key | AppliedKind::Tenant => None,
    })
}

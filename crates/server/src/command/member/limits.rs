//! The limits that flags name, and the names of a tenant's things in them.

use crate::cli::{LimitsArgs, Named, Owner};
use anyhow::{Context as _, bail, ensure};
use countersign_core::{
    access::share::Share,
    id::{ProfileId, SenderId, TemplateId, TenantId},
    management::members::LimitsChange,
    people::{
        hours::Zone,
        member::{Limits, Role},
        shares::GroupName,
    },
    ports::directory::Directory,
    tenant::{OPERATOR, resource::ResourceKind},
};
use std::fmt::Display;

/// The things of a tenant of which a member may have a share, by name.
pub(in crate::command) struct Names {
    senders: Vec<(String, SenderId)>,
    templates: Vec<(String, TemplateId)>,
    profiles: Vec<(String, ProfileId)>,
}

impl Names {
    pub(in crate::command) async fn read(
        directory: &dyn Directory,
        tenant: TenantId,
    ) -> anyhow::Result<Self> {
        let resources = directory.list_resources(tenant).await.context("The senders cannot be read")?;
        let profiles = directory.list_profiles(tenant).await.context("The profiles cannot be read")?;
        let of = |kind| resources.iter().filter(move |one| one.kind == kind);
        Ok(Self {
            senders: of(ResourceKind::Sender)
                .map(|one| (one.name.clone(), SenderId::from_bytes(one.id)))
                .collect(),
            templates: of(ResourceKind::Template)
                .map(|one| (one.name.clone(), TemplateId::from_bytes(one.id)))
                .collect(),
            profiles: profiles.iter().map(|one| (one.name.as_str().to_owned(), one.id)).collect(),
        })
    }

    /// The limits of a new member.
    pub(super) fn new_limits(&self, owner: Owner, args: &LimitsArgs) -> anyhow::Result<Limits> {
        let role = args.role.or((owner.id() == OPERATOR).then_some(Role::Owner));
        let role = role.context("Which role does the member get? Say --role owner or --role subuser")?;
        ensure!(
            role == Role::Owner || args.permissions.is_some(),
            "Which permissions does the subuser get? Say --permissions verifications:start,verifications:check \
             (or none)"
        );
        let change = LimitsChange { role: Some(role), ..self.read_flags(args)? };
        Ok(change.apply(&Limits::of_owner(Zone::default())))
    }

    /// The change of a member's limits.
    pub(super) fn change(&self, owner: Owner, args: &LimitsArgs) -> anyhow::Result<LimitsChange> {
        let LimitsArgs {
            role: None,
            permissions: None,
            time_zone: None,
            hours: None,
            senders: None,
            templates: None,
            profiles: None,
            groups: None,
            pool: None,
            most_parts: None,
        } = args
        else {
            return self.read_flags(args);
        };
        bail!(
            "What is to be changed? `countersign member set --help` lists the limits of a member of {}",
            owner.name()
        )
    }

    fn read_flags(&self, args: &LimitsArgs) -> anyhow::Result<LimitsChange> {
        let groups = args.groups.as_ref().map(groups).transpose()?;
        Ok(LimitsChange {
            role: args.role,
            permissions: args.permissions,
            zone: args.time_zone.clone(),
            hours: args.hours,
            senders: args.senders.as_ref().map(|named| share("sender", &self.senders, named)).transpose()?,
            templates: args
                .templates
                .as_ref()
                .map(|named| share("template", &self.templates, named))
                .transpose()?,
            profiles: args.profiles.as_ref().map(|named| self.share_of_profiles(named)).transpose()?,
            groups,
            pool: args.pool.map(|bound| bound.0),
            most_parts: args.most_parts.map(|bound| bound.0),
        })
    }

    pub(in crate::command) fn share_of_profiles(&self, named: &Named) -> anyhow::Result<Share<ProfileId>> {
        share("profile", &self.profiles, named)
    }

    pub(super) fn senders(&self, share: &Share<SenderId>) -> String {
        show(share, &self.senders)
    }

    pub(super) fn templates(&self, share: &Share<TemplateId>) -> String {
        show(share, &self.templates)
    }

    pub(super) fn profiles(&self, share: &Share<ProfileId>) -> String {
        show(share, &self.profiles)
    }
}

/// The share of the things with these names or ids.
fn share<T: Ord + Copy + Display>(
    what: &str,
    known: &[(String, T)],
    named: &Named,
) -> anyhow::Result<Share<T>> {
    let names = match named {
        Named::All => return Ok(Share::all()),
        Named::None => return Ok(Share::none()),
        Named::List(names) => names,
    };
    let find = |wanted: &String| {
        let found = known.iter().find(|(name, id)| name == wanted || id.to_string() == *wanted);
        let all = || known.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        found.map(|(_, id)| *id).with_context(|| match known.is_empty() {
            true => format!("The tenant has no {what} {wanted:?}, and no other"),
            false => format!("The tenant has no {what} {wanted:?}, only {}", all()),
        })
    };
    Ok(Share::of(names.iter().map(find).collect::<anyhow::Result<Vec<_>>>()?)?)
}

/// Groups are only names: subjects bring them.
fn groups(named: &Named) -> anyhow::Result<Share<GroupName>> {
    let names = match named {
        Named::All => return Ok(Share::all()),
        Named::None => return Ok(Share::none()),
        Named::List(names) => names,
    };
    let read = |name: &String| {
        name.parse::<GroupName>().with_context(|| {
            format!(
                "{name:?} is no name of a group: 1 to {} letters, digits, hyphens, underscores and dots",
                GroupName::MAX
            )
        })
    };
    Ok(Share::of(names.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?)?)
}

/// The share as flags name it. A thing that was deleted since has only its id.
fn show<T: Ord + Copy + Display>(share: &Share<T>, known: &[(String, T)]) -> String {
    let name = |id: &T| {
        let found = known.iter().find(|(_, known)| known == id);
        found.map_or_else(|| id.to_string(), |(name, _)| name.clone())
    };
    match share.listed() {
        Some(listed) if !listed.is_empty() => listed.iter().map(name).collect::<Vec<_>>().join(","),
        _ => share.to_string(),
    }
}

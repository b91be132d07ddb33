//! What the commands print of members and invitations.

use super::{Names, explain, find};
use crate::{
    cli::{MemberArgs, Owner, show_hours},
    command::answer,
};
use anyhow::Context as _;
use countersign_core::{
    access::actor::Actor,
    context::Management,
    management::{member_keys::list_member_keys, members},
    people::{invitation::Invitation, member::Member, person::Identity},
    ports::directory::Directory,
};

/// The number of members read at once.
const PAGE: u16 = 100;

pub(super) async fn list_members(
    directory: &dyn Directory,
    management: &Management,
    owner: Owner,
) -> anyhow::Result<()> {
    find(directory, owner).await?;
    let mut before = None;
    loop {
        let page = directory.list_members(owner.id(), before, PAGE).await;
        let page = page.context("The members cannot be read")?;
        let people = members::identify_all(management, &management.keyring, owner.id(), &page).await;
        let people = people.context("The persons of the members cannot be read")?;
        for member in &page {
            let (name, email) = shown(people.get(&member.person));
            let (role, permissions) = (member.limits.role.as_str(), member.limits.permissions);
            answer(&format!("{}\t{}\t{role}\t{name}\t{email}\t{permissions}", member.id, state(member)))?;
        }
        before = page.last().map(|member| member.id);
        if page.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

/// The name and the address of a member; `-` if no key of the ring opens them.
async fn identify(management: &Management, member: &Member) -> anyhow::Result<(String, String)> {
    let identity = members::identify(management, &management.keyring, member).await;
    Ok(shown(identity.context("The person of a member cannot be read")?.as_ref()))
}

fn shown(identity: Option<&Identity>) -> (String, String) {
    identity.map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |identity| (identity.name.expose().to_owned(), identity.email.expose().to_owned()),
    )
}

fn state(member: &Member) -> &'static str {
    if member.disabled { "disabled" } else { "active" }
}

pub(super) async fn show(
    directory: &dyn Directory,
    management: &Management,
    MemberArgs { owner, member: id }: MemberArgs,
) -> anyhow::Result<()> {
    let actor = Actor::operator(owner.id());
    let member = members::read_member(management, &actor, id).await;
    let member = member.map_err(|error| explain(error, owner, id))?;
    let (name, email) = identify(management, &member).await?;
    let names = Names::read(directory, owner.id()).await?;
    let limits = &member.limits;
    let bound = |bound: Option<u32>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
    for (field, value) in [
        ("id", id.to_string()),
        ("state", state(&member).to_owned()),
        ("name", name),
        ("email", email),
        ("role", limits.role.as_str().to_owned()),
        ("permissions", limits.permissions.to_string()),
        ("time_zone", limits.zone.to_string()),
        ("hours", show_hours(&limits.hours)),
        ("senders", names.senders(&limits.shares.senders)),
        ("templates", names.templates(&limits.shares.templates)),
        ("profiles", names.profiles(&limits.shares.profiles)),
        ("groups", limits.shares.groups.to_string().replace(' ', ",")),
        ("pool", bound(limits.pool)),
        ("most_parts", bound(limits.most_parts.map(u32::from))),
        ("created_at", member.created_at.to_string()),
    ] {
        answer(&format!("{field}\t{value}"))?;
    }
    for key in list_member_keys(management, &actor, id).await.context("The keys cannot be read")? {
        answer(&format!("key\t{}\t{}", key.id, key.name))?;
    }
    Ok(())
}

pub(super) async fn list_invitations(
    directory: &dyn Directory,
    management: &Management,
    owner: Owner,
) -> anyhow::Result<()> {
    find(directory, owner).await?;
    let mut before = None;
    loop {
        let page = directory.list_invitations(owner.id(), before, PAGE).await;
        let page = page.context("The invitations cannot be read")?;
        for one in &page {
            let email = one.open(&management.keyring);
            let email = email.as_ref().map_or("-", |email| email.expose());
            let (role, permissions) = (one.limits.role.as_str(), one.limits.permissions);
            let Invitation { id, author, sends, expires_at, .. } = one;
            answer(&format!("{id}\t{email}\t{role}\t{permissions}\t{author}\t{sends}\t{expires_at}"))?;
        }
        before = page.last().map(|one| one.id);
        if page.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

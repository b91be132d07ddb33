//! The keys of members: they are made for a member, and moved from one to another.

use crate::{cli::KeyArgs, machine::rng};
use anyhow::{Context as _, anyhow, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        change::Change,
        key::{Key, PresentedKey},
    },
    context::{Management, Replica},
    id::{MemberId, TenantId},
    management::{keys::CreateKey, member_keys::move_key, members::create_member_key, reach::MemberError},
    people::cover::NotCovered,
    time::Timestamp,
};

/// Makes a key that the member's limits bind.
pub(super) async fn create(
    management: &Management,
    (tenant, member): (TenantId, MemberId),
    new: CreateKey,
    by: &Change,
) -> anyhow::Result<(Key, PresentedKey)> {
    let made = create_member_key(management, (tenant, member), new, by, &mut rng()).await;
    made.map_err(|error| explain(error, tenant, member))
}

fn explain(error: MemberError, tenant: TenantId, member: MemberId) -> anyhow::Error {
    match error {
        MemberError::NotFound => {
            anyhow!("{tenant} has no member {member}; `countersign member list` shows them")
        }
        MemberError::NotCovered(NotCovered::Scopes(scopes)) => {
            anyhow!(
                "{member} does not have all of {scopes}; `countersign member show` prints its permissions"
            )
        }
        MemberError::NotCovered(NotCovered::Shares) => {
            anyhow!("{member} does not reach all of these profiles")
        }
        MemberError::Directory(error) => error.into(),
        error => error.into(),
    }
}

/// Gives a key to a member, or to the company.
pub(super) async fn move_to(
    replica: &Replica,
    args: KeyArgs,
    to: Option<MemberId>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (tenant, operator) = (args.owner.id(), Actor::operator(args.owner.id()));
    if let Some(member) = to {
        let found = replica.directory.member(tenant, member).await.context("The member cannot be read")?;
        let found = found.with_context(|| {
            format!("{tenant} has no member {member}; `countersign member list` shows them")
        })?;
        ensure!(!found.disabled, "{member} is disabled; enable it first, or choose another");
    }
    let moved = move_key(replica, &operator, args.key, to, &Change::by_operator(now)).await;
    moved.map_err(|error| match error {
        MemberError::NotFound => anyhow!("{} has no key {}", args.owner.name(), args.key),
        MemberError::Directory(error) => anyhow::Error::from(error).context("The key was not moved"),
        error => error.into(),
    })?;
    match to {
        Some(member) => eprintln!("{} belongs to {member}, whose limits bind it.", args.key),
        None => eprintln!("{} belongs to the company.", args.key),
    }
    Ok(())
}

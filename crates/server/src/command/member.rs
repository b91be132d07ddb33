//! Members and invitations. The operator acts for the tenant: no member's limits bind this command line.

mod limits;
mod lost;
mod shown;

use super::{answer, follow::tell_followed, load, nodes::replica};
use crate::{
    cli::{InvitationArgs, MemberArgs, MemberCommand, Owner},
    configuration::Settings,
    machine::{SystemClock, rng},
    wiring,
};
use anyhow::{Context as _, anyhow, ensure};
use countersign_core::{
    access::{actor::Actor, change::Change},
    context::Management,
    management::{
        invitations::{self, Handover, invite},
        member_keys::list_member_keys,
        members::{self, MemberChange},
        reach::MemberError,
    },
    people::{
        invitation::{Invitation, LinkSecret, MOST_SENDS},
        member::Member,
        notice::LinkPath,
        person::Identity,
    },
    ports::{clock::Clock as _, directory::Directory, error::StoreError},
};
use countersign_stores::directory::SqlDirectory;
pub(super) use limits::Names;
use std::{path::Path, sync::Arc};
use zeroize::Zeroizing;

pub(super) async fn run(config: Option<&Path>, command: MemberCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let (directory, management) = open(&settings).await?;
    let by = Change::by_operator(SystemClock.now());
    match command {
        MemberCommand::Add { owner, name, limits, email } => {
            let names = names(&directory, owner).await?;
            let limits = names.new_limits(owner, &limits)?;
            let identity = Identity { name, email };
            let added =
                members::add_member(&management, owner.id(), (&identity, &limits), &by, &mut rng()).await;
            let member = added.map_err(|error| explain(error, owner, "the member"))?;
            answer(&member.id.to_string())?;
            tell_added(&management, &member, &identity).await;
        }
        MemberCommand::Set { member: args, limits } => {
            let change = names(&directory, args.owner).await?.change(args.owner, &limits)?;
            update(&management, args, MemberChange { limits: change, disabled: None }, &by).await?;
            eprintln!("{} is changed.", args.member);
        }
        MemberCommand::Disable(args) => {
            let change = MemberChange { disabled: Some(true), ..MemberChange::default() };
            update(&management, args, change, &by).await?;
            eprintln!("{} is disabled, and its keys are refused.", args.member);
        }
        MemberCommand::Enable(args) => {
            let change = MemberChange { disabled: Some(false), ..MemberChange::default() };
            update(&management, args, change, &by).await?;
            eprintln!("{} is enabled.", args.member);
        }
        MemberCommand::Remove(args) => remove(&management, args, &by).await?,
        MemberCommand::List(owner) => return shown::list_members(&directory, &management, owner).await,
        MemberCommand::Show(args) => return shown::show(&directory, &management, args).await,
        // The copies of running servers contain no invitations.
        MemberCommand::Invite { owner, print, limits, email } => {
            let limits = names(&directory, owner).await?.new_limits(owner, &limits)?;
            let actor = Actor::operator(owner.id());
            let way = handover(&settings, print);
            let made = invite(&management, &actor, (&email, &limits), way, &by, &mut rng()).await;
            let made = made.map_err(|error| explain(error, owner, "the invitation"))?;
            return hand_over(&settings, way, "Made", &made);
        }
        MemberCommand::Link { invitation: InvitationArgs { owner, invitation }, print } => {
            let actor = Actor::operator(owner.id());
            let way = handover(&settings, print);
            let made = invitations::send_again(&management, &actor, invitation, way, &by, &mut rng()).await;
            let made = made.map_err(|error| explain(error, owner, invitation))?;
            return hand_over(&settings, way, "The former link is void. Renewed", &made);
        }
        MemberCommand::Invitations(owner) => {
            return shown::list_invitations(&directory, &management, owner).await;
        }
        MemberCommand::Withdraw(InvitationArgs { owner, invitation }) => {
            let actor = Actor::operator(owner.id());
            let withdrawn = invitations::withdraw(&management, &actor, invitation, &by).await;
            withdrawn.map_err(|error| explain(error, owner, invitation))?;
            eprintln!("{invitation} is withdrawn; its link is void.");
            return Ok(());
        }
        // Persons are not in the copies of running servers either.
        MemberCommand::ResetTwoFactor { email } => {
            return lost::reset_two_factor(&management, directory, &email, &by).await;
        }
        MemberCommand::SignOut { email } => return lost::sign_out(&management, directory, &email, &by).await,
        MemberCommand::SetEmail { email, to } => {
            return lost::set_email(&management, directory, (&email, &to), &by).await;
        }
    }
    tell_followed(&directory.nodes(), &SystemClock).await;
    Ok(())
}

/// The directory, and the management that also notifies running nodes.
async fn open(settings: &Settings) -> anyhow::Result<(SqlDirectory, Management)> {
    let sql = wiring::open_sql(settings).await?;
    wiring::refuse_pending_migrations(&sql).await?;
    let keyring = Arc::new(wiring::open_keyring(settings, false)?.0);
    let directory = SqlDirectory::new(sql, Arc::clone(&keyring));
    let replica = replica(settings, &directory);
    let management = wiring::manage(settings, Arc::clone(&replica.directory), keyring)?;
    Ok((directory, Management { replica, ..management }))
}

/// The names of the things of a tenant, which must exist.
async fn names(directory: &dyn Directory, owner: Owner) -> anyhow::Result<Names> {
    find(directory, owner).await?;
    Names::read(directory, owner.id()).await
}

/// Refuses a tenant that does not exist.
pub(super) async fn find(directory: &dyn Directory, owner: Owner) -> anyhow::Result<()> {
    let tenant = owner.id();
    let found = directory.tenant(tenant).await.context("The tenant cannot be read")?;
    ensure!(found.is_some(), "There is no tenant {tenant}; `countersign tenant list` shows them");
    Ok(())
}

/// Explains why `object` was not read or changed.
fn explain(error: MemberError, owner: Owner, object: impl std::fmt::Display) -> anyhow::Error {
    match error {
        MemberError::NotFound => anyhow!(
            "{} has no {object}; `countersign member list` and `countersign member invitations` show what there is",
            owner.name()
        ),
        MemberError::Exists => anyhow!(
            "The address belongs to a member already, or has an invitation; `countersign member list` and \
             `countersign member invitations` show them"
        ),
        MemberError::SentTooOften => {
            anyhow!("{object} has had {MOST_SENDS} links, which is the most; withdraw it and invite again")
        }
        MemberError::SentTooSoon(wait) => {
            anyhow!("{object} has had a link just now; try again in {} s", wait.as_secs() + 1)
        }
        MemberError::Directory(StoreError::LastOwner) => {
            anyhow!("{object} is the last enabled owner of {}; make another owner first", owner.name())
        }
        MemberError::Directory(error) => anyhow::Error::from(error).context("Nothing was changed"),
        error => error.into(),
    }
}

async fn update(
    management: &Management,
    MemberArgs { owner, member }: MemberArgs,
    change: MemberChange,
    by: &Change,
) -> anyhow::Result<()> {
    let actor = Actor::operator(owner.id());
    let updated = members::update_member(management, &actor, member, &change, by, &mut rng()).await;
    updated.map(drop).map_err(|error| explain(error, owner, member))
}

async fn remove(
    management: &Management,
    MemberArgs { owner, member }: MemberArgs,
    by: &Change,
) -> anyhow::Result<()> {
    let actor = Actor::operator(owner.id());
    let removed = members::remove_member(management, &actor, member, by).await;
    removed.map_err(|error| explain(error, owner, member))?;
    eprintln!("{member} is removed.");
    let keys = list_member_keys(management, &actor, member).await;
    let keys: Vec<_> = keys.unwrap_or_default().iter().map(|key| key.id.to_string()).collect();
    if !keys.is_empty() {
        eprintln!(
            "Its keys are refused until `countersign key move` gives them to another: {}",
            keys.join(", ")
        );
    }
    Ok(())
}

/// Says who the new member is. A person whose address is known keeps its name.
async fn tell_added(management: &Management, member: &Member, asked: &Identity) {
    match members::identify(management, &management.keyring, member).await {
        Ok(Some(known)) if known.name != asked.name => {
            eprintln!("Made. The address is known; the person's name stays {}.", known.name.expose());
        }
        _ => eprintln!("Made."),
    }
}

/// A link is mailed if there is a mail server, unless the operator wants to see it.
fn handover(settings: &Settings, print: bool) -> Handover {
    if settings.mail.is_some() && !print { Handover::Mail } else { Handover::Caller }
}

/// Says that a link is mailed, or prints its only copy.
fn hand_over(
    settings: &Settings,
    way: Handover,
    made: &str,
    (invitation, secret): &(Invitation, LinkSecret),
) -> anyhow::Result<()> {
    let Invitation { id, expires_at, .. } = invitation;
    if way == Handover::Mail {
        answer(&id.to_string())?;
        eprintln!("{made} {id}. A running server mails the link, which is good once and until {expires_at}.");
        return Ok(());
    }
    let origin = settings.server.portal_origin().unwrap_or_default();
    let link = LinkPath::invitation(invitation.tenant, *id, secret);
    answer(&Zeroizing::new(format!("{origin}{}", link.expose())))?;
    eprintln!("{made} {id}. The link is shown this once, and is good once and until {expires_at}.");
    if origin.is_empty() {
        eprintln!("server.public_url is not set: write the address of this server before the path.");
    }
    Ok(())
}

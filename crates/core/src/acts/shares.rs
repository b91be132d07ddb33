//! What a member's shares and a key's profiles allow. Each act asks here.
//!
//! A start is judged by what it would really use: the profile, the template, and the sender of each delivery
//! route that its message could take. An actor with bounds gets [`NotShared`] for the thing of another and for
//! a thing that does not exist. A verification of a profile that the actor does not reach is not found.

use crate::{
    access::{
        actor::Actor,
        share::{NotShared, Share},
    },
    acts::{
        start::request::{StartError, StartRequest},
        ways::{Candidate, operator, possible},
    },
    context::{Context, Management, Replica},
    id::{RecordKey, SenderId, TemplateId},
    message::{sender_text::SenderText, text::CodeText},
    mode::Mode,
    phone::PhoneNumber,
    ports::error::StoreError,
    snapshot::view::TenantView,
    tenant::profile::{Profile, ProfileName},
};

/// Why the shares do not allow an act.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// The limits of the actor's member cannot be found.
    #[error("directory")]
    Directory(#[from] StoreError),
}

impl From<ShareError> for StartError {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::NotShared(error) => error.into(),
            ShareError::Directory(error) => Self::Directory(error),
        }
    }
}

/// The profile with this name, for an actor that reaches it; `None` if the tenant has none.
pub fn profile<'a>(
    actor: &Actor,
    view: &'a TenantView,
    name: &ProfileName,
) -> Result<Option<&'a Profile>, NotShared> {
    let found = view.profiles.get(name);
    actor.profiles.demand(found.map(|profile| &profile.id))?;
    Ok(found)
}

/// Refuses an actor with a bounded share of profiles, senders or templates an act that shows or changes
/// something of the whole tenant.
pub fn judge_whole_tenant(replica: &Replica, actor: &Actor) -> Result<(), ShareError> {
    let of_member = replica.member_of(actor)?.is_some_and(|member| {
        let shares = &member.limits.shares;
        shares.senders.is_bounded() || shares.templates.is_bounded()
    });
    if of_member || actor.profiles.is_bounded() { Err(NotShared.into()) } else { Ok(()) }
}

/// The senders that the actor may use.
pub(crate) fn senders(replica: &Replica, actor: &Actor) -> Result<Share<SenderId>, StoreError> {
    let member = replica.member_of(actor)?;
    Ok(member.map_or(Share::all(), |member| member.limits.shares.senders.clone()))
}

/// The templates that the actor may use.
pub fn templates(replica: &Replica, actor: &Actor) -> Result<Share<TemplateId>, StoreError> {
    let member = replica.member_of(actor)?;
    Ok(member.map_or(Share::all(), |member| member.limits.shares.templates.clone()))
}

/// Refuses a start that names, or would use, something outside of the actor's shares.
pub(crate) fn judge_start(
    context: &Context,
    actor: &Actor,
    view: &TenantView,
    request: &StartRequest,
) -> Result<(), ShareError> {
    profile(actor, view, &request.profile)?;
    let Some(member) = context.member_of(actor)? else { return Ok(()) };
    let shares = &member.limits.shares;
    if let Some(name) = &request.template {
        shares.templates.demand(view.templates.get(name).map(|set| &set.id))?;
    }
    judge_own_words(shares.templates.is_bounded(), request.text.is_some())?;
    judge_senders((context, actor.mode, view), &shares.senders, request.sender.as_ref(), &request.to)
}

/// Refuses another message of a verification if a start with the same choices would be refused. `open` gives
/// the choices and the phone number; it is called only for a member with a bounded share.
pub(crate) fn judge_resend<E: From<ShareError>>(
    context: &Context,
    actor: &Actor,
    open: impl FnOnce() -> Result<(CodeText, PhoneNumber), E>,
) -> Result<(), E> {
    let Some(member) = context.member_of(actor).map_err(ShareError::from)? else { return Ok(()) };
    let shares = &member.limits.shares;
    if !shares.senders.is_bounded() && !shares.templates.is_bounded() {
        return Ok(());
    }
    let (text, to) = open()?;
    if let Some(template) = &text.template {
        shares.templates.demand(Some(template)).map_err(ShareError::from)?;
    }
    judge_own_words(shares.templates.is_bounded(), text.text.is_some()).map_err(ShareError::from)?;
    let view = context.tenant_view(actor.tenant).map_err(ShareError::from)?;
    let place = (&**context, actor.mode, &*view);
    Ok(judge_senders(place, &shares.senders, text.sender.as_ref(), &to)?)
}

/// Returns whether the actor reaches the profile of a live verification. Reads the record only if the actor's
/// share is bounded. A verification never changes its profile, so this holds for the act that follows.
pub(crate) async fn reaches(context: &Context, actor: &Actor, key: RecordKey) -> Result<bool, StoreError> {
    if !actor.profiles.is_bounded() {
        return Ok(true);
    }
    let seen = context.codes.read(key).await?;
    Ok(seen.is_some_and(|seen| actor.profiles.admits(&seen.record.profile)))
}

/// The caller's own words are none of the tenant's templates. A member with a list of templates may not go
/// around it by words of its own. The shipped texts belong to no tenant, so each member may use them.
fn judge_own_words(templates_bounded: bool, own_words: bool) -> Result<(), NotShared> {
    if templates_bounded && own_words { Err(NotShared) } else { Ok(()) }
}

/// Refuses a message that could go out by a sender outside of the share. The worker chooses the route when it
/// sends, and goes on to other routes if one fails. So each route that the message could take is judged.
/// Rejected: the worker leaves out the routes with other senders, because a message that the start promised
/// would then have fewer routes than `POST /v1/routes/explain` shows.
fn judge_senders(
    (management, mode, view): (&Management, Mode, &TenantView),
    share: &Share<SenderId>,
    named: Option<&SenderText>,
    to: &PhoneNumber,
) -> Result<(), ShareError> {
    let Some(listed) = share.listed() else { return Ok(()) };
    let shared = |text: &str| {
        view.senders.iter().any(|sender| sender.text.as_str() == text && listed.contains(&sender.id))
    };
    let demand = |text: &str| if shared(text) { Ok(()) } else { Err(NotShared) };
    if let Some(named) = named {
        demand(named.as_str())?;
    }
    // Test mode has no routes and sends nothing.
    if mode == Mode::Test {
        return Ok(());
    }
    let operator = operator(&management.snapshot);
    let ways = possible(view, operator.as_deref(), to);
    if ways.is_empty() && management.live_route {
        // The operator's relay gets the named sender, or the name of the company.
        demand(named.map_or(view.tenant.name.as_str(), SenderText::as_str))?;
    }
    for Candidate { account, sender, .. } in &ways {
        let of_account = management.gateways.own_sender(account);
        // A named sender goes only through the tenant's own accounts.
        let used = named.filter(|_| account.tenant == view.tenant.id).unwrap_or(sender);
        demand(of_account.as_deref().unwrap_or(used.as_str()))?;
    }
    Ok(())
}

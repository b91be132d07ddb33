//! `/portal/members/{id}/sign-ins`: an owner's view of a member's sign-ins in this tenant.

use super::{
    devices::{ROWS, SessionRow, SignInRow, before, older, session_row, sign_in_row},
    proof::{Act, SURE, confirm, without_proof},
};
use crate::{
    http::{
        answer::{go_to, page},
        proving::{done, own, own_error},
        visiting::{Sent, Visiting},
    },
    shell::{Flash, Shell},
};
use actix_web::{Error, HttpResponse, web};
use askama::Template;
use countersign_core::{
    access::change::Change,
    id::MemberId,
    people::proof_act::ActName,
    sign_in::{
        own::{
            activity::{ActivityError, end_session_of_member, end_sessions_of_member, list_of_member},
            two_factor_reset::{ResetTwoFactorError, start_reset, stop_reset},
        },
        signed_in::OwnError,
    },
};
use countersign_web::{
    problem::{Problem, directory},
    rng,
};

/// The key of the title. It has the value `name`.
pub const TITLE: &str = "member-sign-ins-title";

#[derive(Template)]
#[template(path = "portal/member_sign_ins.html")]
pub struct MemberSignInsPage {
    pub shell: Shell,
    pub member: String,
    pub has_2fa: bool,
    /// Whether it is the owner's own page: there it changes its second factor under its own security.
    pub is_own: bool,
    /// When a reset that was asked for happens.
    pub resets_at: Option<String>,
    pub sessions: Vec<SessionRow>,
    pub activity: Vec<SignInRow>,
    pub older: Option<String>,
}

/// `GET /portal/members/{id}/sign-ins`
pub async fn show(here: Visiting, path: web::Path<String>) -> Result<HttpResponse, Error> {
    let (inside, id) = (here.inside()?, member_id(&path)?);
    let seen = list_of_member(&here.entrance, &inside.actor, id, before(&here), ROWS).await;
    let seen = seen.map_err(hidden)?;
    let account = here.entrance.people.account(seen.member.person).await.map_err(directory)?;
    let person = account.as_ref().and_then(|account| account.person.open(&here.entrance.context.keyring));
    let member = person.map(|person| person.name.expose().to_owned()).unwrap_or_default();
    let devices =
        here.entrance.people.list_devices(seen.member.person, MOST_DEVICES).await.map_err(directory)?;
    let shell = here.shell(here.t.one(TITLE, "name", member.as_str())).await?;
    let resets_at = account.as_ref().and_then(|account| account.reset_2fa_at);
    let view = MemberSignInsPage {
        has_2fa: account.is_some_and(|account| account.phone.is_some()),
        is_own: id == inside.member.id,
        resets_at: resets_at.map(|at| shell.day_and_clock(at)),
        sessions: seen.sessions.iter().map(|session| session_row(&here, &shell, session, &devices)).collect(),
        older: older(here.request.path(), &seen.sign_ins),
        activity: seen.sign_ins.iter().map(|one| sign_in_row(&here, &shell, one)).collect(),
        member,
        shell,
    };
    Ok(page(&view)?)
}

/// `POST /portal/members/{id}/sign-ins`
pub async fn send(sent: Sent, path: web::Path<String>) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let (inside, id) = (here.inside()?, member_id(&path)?);
    let (entrance, actor, t) = (&here.entrance, &inside.actor, here.t);
    let by = Change::by(actor, here.visitor.request, here.now());
    let back = here.request.path().to_owned();
    match form.text("act") {
        "end" => {
            let session = form.text("session").parse().map_err(|_| unknown())?;
            end_session_of_member(entrance, actor, (id, session), &by).await.map_err(hidden)?;
            done(&here, &back, None, t.get("end-session-done")).await
        }
        "end-all" => {
            let name = name_of(&here, id).await?;
            if !form.is_on(SURE) {
                return without_proof(&here, &form, &Act::EndSessions(name), &back).await;
            }
            end_sessions_of_member(entrance, actor, id, &by).await.map_err(hidden)?;
            done(&here, &back, None, t.get("end-sessions-done")).await
        }
        "reset-2fa" => {
            let (name, object) = (name_of(&here, id).await?, id.to_string());
            let asked = (ActName::TwoFactorReset, object.as_str());
            let proven = match confirm(&here, &form, &Act::ResetTwoFactor(name), asked, &back).await? {
                Ok(proven) => proven,
                Err(answer) => return Ok(answer),
            };
            match start_reset(&own(&here), actor, id, &proven, &by, &mut rng()).await {
                Ok(started) => done(&here, &back, started.secret.as_ref(), t.get("reset-2fa-done")).await,
                // One answer for all reasons: the owner does not learn whether the member has other companies.
                Err(ResetTwoFactorError::OperatorOnly) => {
                    here.tell(&Flash::warn(t.get("reset-2fa-operator"))).await?;
                    Ok(go_to(&back))
                }
                Err(error) => Err(reset_refused(error)),
            }
        }
        "keep-2fa" => {
            stop_reset(entrance, actor, id, &by).await.map_err(reset_refused)?;
            done(&here, &back, None, t.get("reset-stopped")).await
        }
        _ => Ok(go_to(&back)),
    }
}

/// How many browsers are looked through for the names of the sessions.
const MOST_DEVICES: u16 = 100;

fn unknown() -> Problem {
    Problem::not_found("There is no such page.")
}

fn member_id(path: &str) -> Result<MemberId, Error> {
    path.parse().map_err(|_| unknown().into())
}

/// A page that is not open to the member looks like none.
fn hidden(error: ActivityError) -> Error {
    match error {
        ActivityError::NoOwner(_) | ActivityError::NotFound => unknown().into(),
        ActivityError::Store(error) => directory(error).into(),
    }
}

fn reset_refused(error: ResetTwoFactorError) -> Error {
    match error {
        ResetTwoFactorError::Own(error) => own_error(error),
        ResetTwoFactorError::OperatorOnly => own_error(OwnError::Moved),
        ResetTwoFactorError::NoOwner(_) | ResetTwoFactorError::NotFound | ResetTwoFactorError::Oneself => {
            unknown().into()
        }
    }
}

async fn name_of(here: &Visiting, id: MemberId) -> Result<String, Error> {
    let inside = here.inside()?;
    let seen = list_of_member(&here.entrance, &inside.actor, id, None, 1).await.map_err(hidden)?;
    let person = here.entrance.context.directory.person(seen.member.person).await.map_err(directory)?;
    let identity = person.and_then(|person| person.open(&here.entrance.context.keyring));
    Ok(identity.map(|identity| identity.name.expose().to_owned()).unwrap_or_default())
}

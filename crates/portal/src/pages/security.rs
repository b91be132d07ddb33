//! `/portal/security`: a person's own second factor, password, address and session.

use super::{
    choice::{Choice, spans},
    proof::{Act, confirm},
    recovery_codes,
};
use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page_with},
        form::Form,
        proving::{done, own, own_error},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::{
    access::change::Change,
    acts::ways::portal_has_route,
    management::keys::KeyError,
    people::proof_act::ActName,
    sign_in::{
        own::{
            enrolment::is_demanded,
            keys::{RevokeError, list_revocable, revoke_all_keys},
            sessions::{LengthError, set_lengths},
            two_factor::{make_recovery_codes, switch_off},
        },
        signed_in::OwnError,
        visit::Place,
    },
    tenant::{
        PORTAL,
        security::{Security, SessionIdle, SessionTotal},
    },
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "security-title";
/// The page to which the acts lead back.
const BACK: &str = "/portal/security";

#[derive(Template)]
#[template(path = "portal/security.html")]
pub struct SecurityPage {
    pub shell: Shell,
    pub two_factor: Option<TwoFactor>,
    /// Whether it can be switched on: a message can be sent.
    pub is_available: bool,
    /// Whether the tenant demands it.
    pub is_demanded: bool,
    /// When the password was changed.
    pub password_changed: String,
    /// The number of keys that the member governs.
    pub keys: u32,
    pub email: String,
    pub idle: Vec<Choice>,
    pub total: Vec<Choice>,
    /// The longest times that the tenant allows.
    pub most_idle: String,
    pub most_total: String,
}

pub struct TwoFactor {
    /// The masked number.
    pub number: String,
    pub since: String,
    pub codes_left: u8,
}

/// `GET /portal/security`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    answer(&here, Errors::default()).await
}

/// `POST /portal/security`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    match form.text("act") {
        "off" => off(&here, &form).await,
        "new-codes" => new_codes(&here, &form).await,
        "revoke-keys" => revoke(&here, &form).await,
        "session" => session(&here, &form).await,
        _ => Ok(go_to(BACK)),
    }
}

async fn off(here: &Visiting, form: &Form) -> Result<HttpResponse, Error> {
    let asked = confirm(here, form, &Act::TwoFactorOff, (ActName::TwoFactorOff, ""), BACK).await?;
    let proven = match asked {
        Ok(proven) => proven,
        Err(answer) => return Ok(answer),
    };
    let secret = switch_off(&own(here), &proven, &mut rng()).await.map_err(own_error)?;
    done(here, BACK, Some(&secret), here.t.get("off-done")).await
}

async fn new_codes(here: &Visiting, form: &Form) -> Result<HttpResponse, Error> {
    let asked = confirm(here, form, &Act::NewRecoveryCodes, (ActName::RecoveryCodes, ""), BACK).await?;
    let proven = match asked {
        Ok(proven) => proven,
        Err(answer) => return Ok(answer),
    };
    let made = make_recovery_codes(&own(here), &proven, &mut rng()).await.map_err(own_error)?;
    recovery_codes::answer(here, &made, false).await
}

async fn revoke(here: &Visiting, form: &Form) -> Result<HttpResponse, Error> {
    let (own, inside) = (own(here), here.inside()?);
    let keys = list_revocable(&own, &inside.actor).await.map_err(directory)?;
    let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let asked = confirm(here, form, &Act::RevokeKeys(count), (ActName::RevokeAll, ""), BACK).await?;
    let proven = match asked {
        Ok(proven) => proven,
        Err(answer) => return Ok(answer),
    };
    let by = Change::by(&inside.actor, here.visitor.request, here.now());
    let revoked = revoke_all_keys(&own, &inside.actor, &proven, &by, &mut rng()).await;
    let revoked = revoked.map_err(|error| match error {
        RevokeError::Own(error) => own_error(error),
        RevokeError::Keys(KeyError::Directory(error)) => directory(error).into(),
        RevokeError::Keys(_) => own_error(OwnError::Moved),
    })?;
    let said = here.t.one("revoke-done", "count", revoked.revoked);
    done(here, BACK, revoked.secret.as_ref(), said).await
}

/// A length of a session: the tenant's own is stored as none.
fn length<T>(typed: &str, new: impl Fn(u32) -> Option<T>) -> Option<T> {
    typed.parse().ok().and_then(new)
}

async fn session(here: &Visiting, form: &Form) -> Result<HttpResponse, Error> {
    let idle = length(form.text("idle"), SessionIdle::new);
    let total = length(form.text("total"), SessionTotal::new);
    match set_lengths(&own(here), idle, total).await {
        Ok(()) => done(here, BACK, None, here.t.get("saved")).await,
        Err(LengthError::Own(error)) => Err(own_error(error)),
        Err(LengthError::IdleBeyondTotal(_) | LengthError::BeyondTenant) => {
            answer(here, Errors::one("idle", here.t.get("session-beyond"))).await
        }
    }
}

async fn answer(here: &Visiting, errors: Errors) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let (own, t, account) = (own(here), here.t, &here.visit.account);
    let inside = match &here.visit.place {
        Place::Inside(inside) => Some(inside),
        Place::Outside | Place::Barred { .. } => None,
    };
    let keys = match inside {
        Some(inside) => list_revocable(&own, &inside.actor).await.map_err(directory)?.len(),
        None => 0,
    };
    let rules = match inside {
        Some(inside) => inside.view.settings.security.rules(inside.member.tenant),
        None => Security::default().rules(PORTAL),
    };
    let shell = here.shell(t.get(TITLE).into_owned()).await?.with_errors(errors);
    let two_factor = match &account.phone {
        Some(phone) => {
            let left =
                here.entrance.people.count_recovery_codes(account.person.id).await.map_err(directory)?;
            let number = phone.open(account.person.id, own.keyring());
            Some(TwoFactor {
                number: number.map(|number| number.masked()).unwrap_or_default(),
                since: shell.date(phone.confirmed_at),
                codes_left: u8::try_from(left).unwrap_or(u8::MAX),
            })
        }
        None => None,
    };
    let (idle, total) = (rules.session_idle.seconds(), rules.session_total.seconds());
    let own_idle = account.idle.map_or(idle, |own| own.seconds().min(idle));
    let own_total = account.total.map_or(total, |own| own.seconds().min(total));
    let view = SecurityPage {
        two_factor,
        is_available: portal_has_route(&here.entrance.context),
        is_demanded: is_demanded(&own).await.map_err(directory)?,
        password_changed: account.password_at.map(|at| shell.date(at)).unwrap_or_default(),
        keys: u32::try_from(keys).unwrap_or(u32::MAX),
        email: here.identity.as_ref().map(|own| own.email.expose().to_owned()).unwrap_or_default(),
        idle: spans(t, SessionIdle::CHOICES.into_iter().filter(|seconds| *seconds <= idle), own_idle),
        total: spans(t, SessionTotal::CHOICES.into_iter().filter(|seconds| *seconds <= total), own_total),
        most_idle: shell.span(idle.into()),
        most_total: shell.span(total.into()),
        shell,
    };
    Ok(page_with(status, &view)?)
}

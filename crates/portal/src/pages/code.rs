//! `/portal/code`: the code that a sign-in awaits.

use crate::{
    errors::Errors,
    http::{
        answer::{go_to, page_with},
        cookies::{self, Jar},
        form::Form,
        language, signed,
        visiting::Portal,
    },
    shell::Shell,
    text::Text,
    when,
};
use actix_web::{
    Error, HttpResponse,
    http::{StatusCode, header::SET_COOKIE},
};
use askama::Template;
use countersign_core::{
    people::{invitation::LinkSecret, session::MOST_SENDS},
    phone::PhoneNumber,
    sign_in::{
        codes::{CodeError, resend_from},
        second::{Pending, SecondError, enter_code, pending, send_again},
    },
    tenant::PORTAL,
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "code-title";

#[derive(Template)]
#[template(path = "portal/code.html")]
pub struct CodePage {
    pub shell: Shell,
    /// The masked number.
    pub number: String,
    /// When the code ends.
    pub until: String,
    /// When another message may be asked for, if not at once.
    pub again_from: Option<String>,
    /// Whether another message may be asked for at all.
    pub may_resend: bool,
    /// No message can be sent now. Recovery codes still work.
    pub is_away: bool,
}

/// Says that a code was wrong. The page stays as long as tries are left.
pub fn wrong(t: Text, left: u8) -> Errors {
    Errors::one("code", t.one("code-wrong", "left", left))
}

/// `GET /portal/code`
pub async fn show(portal: Portal) -> Result<HttpResponse, Error> {
    let Some((_, pending)) = half_way(&portal).await? else { return Ok(begin_again(&portal)) };
    answer(&portal, &pending, None).await
}

/// `POST /portal/code`: the code, or the wish for another message.
pub async fn send(portal: Portal, form: Form) -> Result<HttpResponse, Error> {
    let Some((secret, pending)) = half_way(&portal).await? else { return Ok(begin_again(&portal)) };
    let (request, now, to) = (&portal.request, portal.now(), signed::next(&portal.request));
    let (entrance, visitor) = (&portal.entrance, &portal.visitor);
    let t = language::of_request(request);
    let outcome = if form.text("act") == "again" {
        let sent = send_again(entrance, visitor, &secret, now, &mut rng()).await;
        match sent {
            Ok(_) => return Ok(go_to(&signed::with_next("/portal/code", to.as_deref()))),
            Err(error) => Err(error),
        }
    } else {
        let former = cookies::read(request, Jar::Session);
        let typed = (&secret, form.text("code"));
        enter_code(entrance, visitor, typed, former.as_ref(), now, &mut rng()).await
    };
    let errors = match outcome {
        Ok(new) => return signed::begun(&portal, new, to).await,
        Err(SecondError::Over) => return Ok(begin_again(&portal)),
        Err(SecondError::WrongCode { left }) => wrong(t, left),
        Err(SecondError::CodeEnded(_)) => Errors::one("code", t.get("code-over")),
        Err(SecondError::Code(CodeError::NoSendsLeft)) => Errors::one("", t.get("code-no-more")),
        Err(SecondError::Code(CodeError::Limited(wait))) => {
            Errors::one("", t.one("code-wait", "time", when::clock_exact(&pending.zone, now + wait)))
        }
        Err(SecondError::Code(_)) => Errors::one("", t.get("code-away")),
        Err(SecondError::Unavailable(error)) => return Err(directory(error).into()),
        // These belong to recovery codes.
        Err(SecondError::WrongRecoveryCode { .. } | SecondError::Wait(_)) => return Ok(begin_again(&portal)),
    };
    answer(&portal, &pending, Some(errors)).await
}

/// The half-way sign-in of this browser.
pub(super) async fn half_way(portal: &Portal) -> Result<Option<(LinkSecret, Pending)>, Error> {
    let Some(secret) = cookies::read(&portal.request, Jar::Half) else { return Ok(None) };
    let pending = pending(&portal.entrance, &secret, portal.now()).await.map_err(directory)?;
    Ok(pending.map(|pending| (secret, pending)))
}

/// The answer when a half-way sign-in is over.
pub(super) fn begin_again(portal: &Portal) -> HttpResponse {
    let to = signed::next(&portal.request);
    let mut answer = go_to(&signed::with_next("/portal/sign-in", to.as_deref()));
    answer.headers_mut().append(SET_COOKIE, cookies::clear(&portal.request, Jar::Half));
    answer
}

async fn answer(portal: &Portal, pending: &Pending, errors: Option<Errors>) -> Result<HttpResponse, Error> {
    let shell =
        Shell { zone: pending.zone.clone(), ..Shell::stranger(&portal.request, &portal.state, TITLE) };
    let verification = pending.half.verification;
    let from = resend_from(&portal.entrance.context, PORTAL, verification, portal.now()).await;
    let status = if errors.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = CodePage {
        number: pending.number.as_ref().map(PhoneNumber::masked).unwrap_or_default(),
        until: shell.clock(pending.half.expires_at),
        again_from: from.map(|from| shell.clock_exact(from)),
        may_resend: pending.half.sends < MOST_SENDS,
        is_away: pending.half.verification.is_none(),
        shell: shell.with_errors(errors.unwrap_or_default()),
    };
    Ok(view.shell.dress(page_with(status, &view)?))
}

//! `/portal/devices`: where a person is signed in, the known browsers, and what happened.

use super::proof::{Act, confirm};
use crate::{
    http::{
        answer::{go_to, page},
        cookies::{self, Jar},
        form::Form,
        proving::{done, own, own_error},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
    when::When,
};
use actix_web::{Error, HttpResponse, http::header::SET_COOKIE};
use askama::Template;
use countersign_core::{
    id::{DeviceId, SignInId},
    people::{
        agent::Agent,
        proof_act::ActName,
        session::{OwnDevice, Session, SignIn, SignInOutcome},
    },
    sign_in::own::{
        activity::list_own,
        devices::{distrust, forget, list_devices, trust},
        sessions::{end_session, list_sessions, sign_out_everywhere},
    },
};
use countersign_web::{
    problem::{Problem, directory},
    rng,
};
use std::net::IpAddr;
use url::form_urlencoded;

/// The key of the title.
pub const TITLE: &str = "devices-title";
/// The page to which the acts lead back.
const BACK: &str = "/portal/devices";

#[derive(Template)]
#[template(path = "portal/devices.html")]
pub struct DevicesPage {
    pub shell: Shell,
    pub sessions: Vec<SessionRow>,
    pub devices: Vec<DeviceRow>,
    pub activity: Vec<SignInRow>,
    /// The path of the next page of the activity.
    pub older: Option<String>,
}

pub struct SessionRow {
    pub id: String,
    /// Such as `Firefox 145 on Windows`.
    pub browser: String,
    /// The name of an icon: `laptop`, `phone` or `desktop`.
    pub icon: &'static str,
    /// Such as `203.0.113.9, Poland`.
    pub from: String,
    pub signed_in: When,
    pub last_seen: When,
    pub is_this: bool,
}

pub struct DeviceRow {
    pub id: String,
    pub browser: String,
    pub icon: &'static str,
    pub first_seen: String,
    pub last_seen: When,
    pub is_trusted: bool,
    pub is_this: bool,
}

pub struct SignInRow {
    pub what: String,
    pub outcome: String,
    /// `good`, `warn`, `bad` or nothing.
    pub tone: &'static str,
    pub device: String,
    pub from: String,
    pub at: When,
    /// Whether it deserves a look.
    pub is_odd: bool,
}

/// How many attempts a page shows.
pub(super) const ROWS: u16 = 25;

/// `GET /portal/devices`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    let (own, before) = (own(&here), before(&here));
    let sessions = list_sessions(&own).await.map_err(directory)?;
    let devices = list_devices(&own).await.map_err(directory)?;
    let activity = list_own(&own, before, ROWS).await.map_err(directory)?;
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?;
    let this = here.visit.session.device;
    let view = DevicesPage {
        sessions: sessions.iter().map(|session| session_row(&here, &shell, session, &devices)).collect(),
        devices: devices.iter().map(|own| device_row(&shell, own, own.device.id == this)).collect(),
        older: older("/portal/devices", &activity),
        activity: activity.iter().map(|one| sign_in_row(&here, &shell, one)).collect(),
        shell,
    };
    Ok(page(&view)?)
}

/// `POST /portal/devices`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, form } = sent;
    let (own, t) = (own(&here), here.t);
    let gone = || Problem::not_found("There is no such browser.");
    match form.text("act") {
        "end-others" => {
            let secret = sign_out_everywhere(&own, false, &mut rng()).await.map_err(own_error)?;
            done(&here, BACK, secret.as_ref(), t.get("end-others-done")).await
        }
        "end-all" => {
            sign_out_everywhere(&own, true, &mut rng()).await.map_err(own_error)?;
            let mut answer = go_to("/portal/signed-out");
            answer.headers_mut().append(SET_COOKIE, cookies::clear(&here.request, Jar::Session));
            Ok(answer)
        }
        "end" => {
            let session = form.text("session").parse().map_err(|_| gone())?;
            end_session(&own, session).await.map_err(directory)?;
            done(&here, BACK, None, t.get("end-session-done")).await
        }
        act => {
            let device: DeviceId = form.text("device").parse().map_err(|_| gone())?;
            change(&here, &form, act, device).await
        }
    }
}

async fn change(here: &Visiting, form: &Form, act: &str, device: DeviceId) -> Result<HttpResponse, Error> {
    let (own, t) = (own(here), here.t);
    let known = here.entrance.people.own_device(own.session.person, device).await.map_err(directory)?;
    let Some(known) = known else { return Err(Problem::not_found("There is no such browser.").into()) };
    match act {
        "trust" => {
            let (name, id) = (browser(&known.device.agent), device.to_string());
            let asked =
                confirm(here, form, &Act::TrustDevice(name), (ActName::TrustDevice, &id), BACK).await?;
            let proven = match asked {
                Ok(proven) => proven,
                Err(answer) => return Ok(answer),
            };
            let (_, secret) = trust(&own, device, &proven, &mut rng()).await.map_err(own_error)?;
            done(here, BACK, secret.as_ref(), t.get("trust-done")).await
        }
        "untrust" => {
            distrust(&own, device).await.map_err(directory)?;
            done(here, BACK, None, t.get("untrust-done")).await
        }
        "forget" => {
            forget(&own, device).await.map_err(directory)?;
            done(here, BACK, None, t.get("forget-done")).await
        }
        _ => Ok(go_to(BACK)),
    }
}

/// The attempt before which the page begins.
pub(super) fn before(here: &Visiting) -> Option<SignInId> {
    let mut query = form_urlencoded::parse(here.request.query_string().as_bytes());
    query.find(|(name, _)| name == "before")?.1.parse().ok()
}

/// The path of the next page.
pub(super) fn older(path: &str, rows: &[SignIn]) -> Option<String> {
    let last = rows.last().filter(|_| rows.len() == usize::from(ROWS))?;
    Some(format!("{path}?before={}", last.id))
}

/// Such as `Firefox 145, Windows`.
pub(super) fn browser(agent: &str) -> String {
    let Agent { browser, system } = Agent::of(agent);
    match (browser.is_empty(), system.is_empty()) {
        (false, false) => format!("{browser}, {system}"),
        (false, true) => browser,
        (true, false) => system.to_owned(),
        (true, true) => "?".to_owned(),
    }
}

fn icon(agent: &str) -> &'static str {
    match Agent::of(agent).system {
        "Android" | "iOS" | "iPhone" => "phone",
        "" => "desktop",
        _ => "laptop",
    }
}

/// Such as `203.0.113.9, Poland`.
fn from(here: &Visiting, address: IpAddr) -> String {
    match here.entrance.places.country(address) {
        Some(country) => format!("{address}, {}", here.t.country(country)),
        None => address.to_string(),
    }
}

pub(super) fn session_row(
    here: &Visiting,
    shell: &Shell,
    session: &Session,
    devices: &[OwnDevice],
) -> SessionRow {
    let device = devices.iter().find(|own| own.device.id == session.device);
    let agent = device.map_or("", |own| own.device.agent.as_str());
    SessionRow {
        id: session.id.to_string(),
        browser: browser(agent),
        icon: icon(agent),
        from: from(here, session.address),
        signed_in: shell.when(session.signed_in_at),
        last_seen: shell.when(session.seen_at),
        is_this: session.id == here.visit.session.id,
    }
}

fn device_row(shell: &Shell, own: &OwnDevice, is_this: bool) -> DeviceRow {
    DeviceRow {
        id: own.device.id.to_string(),
        browser: browser(&own.device.agent),
        icon: icon(&own.device.agent),
        first_seen: shell.date(own.first_at),
        last_seen: shell.when(own.last_at),
        is_trusted: own.trusted_at.is_some(),
        is_this,
    }
}

pub(super) fn sign_in_row(here: &Visiting, shell: &Shell, one: &SignIn) -> SignInRow {
    let (outcome, tone) = match one.outcome {
        SignInOutcome::Done => ("outcome-done", "good"),
        SignInOutcome::CodeAsked => ("outcome-code-asked", ""),
        SignInOutcome::WrongPassword => ("outcome-wrong-password", "warn"),
        SignInOutcome::WrongCode => ("outcome-wrong-code", "warn"),
        SignInOutcome::WrongRecoveryCode => ("outcome-wrong-recovery", "warn"),
        SignInOutcome::RefusedByList => ("outcome-refused", "bad"),
    };
    let (once, often) = match one.tenant {
        Some(_) => ("activity-enter", "activity-enters"),
        None => ("activity-sign-in", "activity-guesses"),
    };
    let what = match one.count {
        0 | 1 => here.t.get(once).into_owned(),
        count => here.t.one(often, "count", count),
    };
    SignInRow {
        what,
        outcome: here.t.get(outcome).into_owned(),
        tone,
        device: browser(&one.agent),
        from: from(here, one.address),
        at: shell.when(one.at),
        is_odd: one.count > 1 && one.tenant.is_none(),
    }
}

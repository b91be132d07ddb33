//! `/portal/security/rules`: the rules for everyone in the tenant.

use super::{
    choice::{Choice, spans},
    portal_list::{owner, rules_error},
    proof::Proof,
};
use crate::{
    errors::Errors,
    http::{
        answer::page_with,
        form::Form,
        proving::{Step, done, own, say, step},
        visiting::{Sent, Visiting},
    },
    shell::Shell,
};
use actix_web::{Error, HttpResponse, http::StatusCode};
use askama::Template;
use countersign_core::{
    access::change::Change,
    acts::ways::portal_has_route,
    management::security::SecurityError,
    people::proof_act::ActName,
    sign_in::{
        own::{
            owners::count_two_factor,
            rules::{RulesError, change_rules, judge_rules},
        },
        proof::needs_proof,
    },
    tenant::security::{PasswordAge, PasswordDays, SecurityChange, SecurityRules, SessionIdle, SessionTotal},
};
use countersign_web::{problem::directory, rng};

/// The key of the title.
pub const TITLE: &str = "rules-title";

#[derive(Template)]
#[template(path = "portal/security_rules.html")]
pub struct RulesPage {
    pub shell: Shell,
    pub tenant: String,
    /// Whether everyone must have a second factor, as it was typed or as it is.
    pub require_2fa: bool,
    /// The day from which it holds, as `2026-12-03`.
    pub require_from: String,
    /// The numbers of members with and without one.
    pub with_2fa: u32,
    pub members: u32,
    /// Whether messages can be sent, without which nobody could sign in.
    pub is_available: bool,
    pub password_age: PasswordAge,
    pub password_days: String,
    pub idle: Vec<Choice>,
    pub total: Vec<Choice>,
    pub proof: Proof,
}

impl RulesPage {
    fn is_off(&self) -> bool {
        self.password_age == PasswordAge::Off
    }

    fn reminds(&self) -> bool {
        self.password_age == PasswordAge::Remind
    }

    fn forces(&self) -> bool {
        self.password_age == PasswordAge::Force
    }
}

/// `GET /portal/security/rules`
pub async fn show(here: Visiting) -> Result<HttpResponse, Error> {
    owner(&here).await?;
    let proof = first_proof(&here);
    let late = here.late_form().await?;
    answer(&here, late.as_ref(), proof, Errors::default()).await
}

/// `POST /portal/security/rules`
pub async fn send(sent: Sent) -> Result<HttpResponse, Error> {
    let Sent { here, mut form } = sent;
    let inside = owner(&here).await?;
    let Some(change) = read(&here, &mut form) else {
        let errors = form.errors.clone();
        return answer(&here, Some(&form), first_proof(&here), errors).await;
    };
    if let Err(error) = judge_rules(&own(&here), &inside.actor, &change).await {
        let refused = refused(&here, error)?;
        return answer(&here, Some(&form), first_proof(&here), refused).await;
    }
    let proven = match step(&here, &form, ActName::Rules, "").await? {
        Step::Proven(proven) => proven,
        Step::Missing(proof, errors) => return answer(&here, Some(&form), proof, errors).await,
    };
    let by = Change::by(&inside.actor, here.visitor.request, here.now());
    let t = here.t;
    match change_rules(&own(&here), &inside.actor, &change, &proven, &by, &mut rng()).await {
        Ok((_, secret)) => done(&here, "/portal/security/rules", secret.as_ref(), t.get("rules-saved")).await,
        Err(error) => {
            let refused = refused(&here, error)?;
            answer(&here, Some(&form), first_proof(&here), refused).await
        }
    }
}

/// What is wrong with the rules, at their fields.
fn refused(here: &Visiting, error: RulesError) -> Result<Errors, Error> {
    match error {
        RulesError::Security(SecurityError::IdleBeyondTotal(_)) => {
            Ok(Errors::one("idle", here.t.get("session-beyond")))
        }
        RulesError::Security(SecurityError::NoPortalRoute) => {
            Ok(Errors::one("require_2fa", here.t.get("rules-2fa-unavailable")))
        }
        error => Err(rules_error(error)),
    }
}

fn first_proof(here: &Visiting) -> Proof {
    let needed = needs_proof(ActName::Rules, &here.visit.session, here.now());
    if needed { Proof::Password } else { Proof::Nothing }
}

fn read(here: &Visiting, form: &mut Form) -> Option<SecurityChange> {
    let (t, now) = (here.t, here.now());
    let unknown = || say(t, "choice-unknown");
    let zone = &here.visit.account.person.zone;
    let is_on = form.text("require_2fa") == "yes";
    let from = form.read("require_from", |text| match text {
        "" => Ok(now),
        day => zone.begin_of(day).ok_or_else(|| say(t, "day-unreadable")),
    });
    let age = form.read("password_age", |text| PasswordAge::parse(text).ok_or_else(unknown));
    let days = form.read("password_days", |text| {
        text.parse().ok().and_then(PasswordDays::new).ok_or_else(|| say(t, "days-unreadable"))
    });
    let idle = form.read("idle", |text| text.parse().ok().and_then(SessionIdle::new).ok_or_else(unknown));
    let total = form.read("total", |text| text.parse().ok().and_then(SessionTotal::new).ok_or_else(unknown));
    // A rule that holds already keeps its day.
    let held = inside_rules(here).and_then(|rules| rules.require_2fa);
    let from = match (is_on, held) {
        (true, Some(held)) if form.text("require_from").is_empty() => Some(held),
        (true, _) => Some(from?),
        (false, _) => None,
    };
    Some(SecurityChange {
        require_2fa: Some(from),
        password_age: Some(Some(age?)),
        password_days: Some(Some(days?)),
        session_idle: Some(Some(idle?)),
        session_total: Some(Some(total?)),
    })
}

fn inside_rules(here: &Visiting) -> Option<SecurityRules> {
    let inside = here.inside().ok()?;
    Some(inside.view.settings.security.rules(inside.member.tenant))
}

async fn answer(
    here: &Visiting,
    typed: Option<&Form>,
    proof: Proof,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let inside = here.inside()?;
    let rules = inside.view.settings.security.rules(inside.member.tenant);
    let (with_2fa, members) =
        count_two_factor(&here.entrance, inside.member.tenant).await.map_err(directory)?;
    let shell = here.shell(here.t.get(TITLE).into_owned()).await?.with_errors(errors);
    let text = |name: &str| typed.map(|form| form.text(name).to_owned());
    let day = rules.require_2fa.map(|from| shell.zone.day(from)).unwrap_or_default();
    let chosen = |name: &str, present: u32| text(name).and_then(|text| text.parse().ok()).unwrap_or(present);
    let view = RulesPage {
        tenant: inside.view.tenant.name.as_str().to_owned(),
        require_2fa: text("require_2fa").map_or(rules.require_2fa.is_some(), |text| text == "yes"),
        require_from: text("require_from").unwrap_or(day),
        with_2fa,
        members,
        is_available: portal_has_route(&here.entrance.context),
        password_age: text("password_age")
            .and_then(|text| PasswordAge::parse(&text))
            .unwrap_or(rules.password_age),
        password_days: text("password_days").unwrap_or_else(|| rules.password_days.get().to_string()),
        idle: spans(here.t, SessionIdle::CHOICES, chosen("idle", rules.session_idle.seconds())),
        total: spans(here.t, SessionTotal::CHOICES, chosen("total", rules.session_total.seconds())),
        proof,
        shell,
    };
    Ok(page_with(status, &view)?)
}

//! Checks of a code, for the live verification of a phone number or for one by its SID.

use super::{
    base::{Answer, time},
    error::Refusal,
    form::Form,
    sid::{Kind, Sid},
    verifications::{by_id, number, payment, service, status},
};
use crate::access::caller::{Authed, CompatTwilio};
use actix_web::{
    HttpRequest, HttpResponse, post,
    web::{Data, Path},
};
use countersign_core::{
    access::actor::Actor,
    acts::{
        check::{Checked, Submitted, check_code},
        families::{Family, check_in_family},
    },
    code::{Code, payment::Transaction},
    id::VerificationId,
    mode::Mode,
    phone::PhoneNumber,
    tenant::profile::Profile,
    verification::{outcome::CheckOutcome, status::Status},
};
use countersign_web::{
    State,
    notes::note,
    problem::{self, Problem},
    rng,
};
use serde::Serialize;
use utoipa::ToSchema;

/// The result of a check.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioVerificationCheck)]
pub struct VerificationCheck {
    #[schema(pattern = "^VE[0-9a-f]{32}$")]
    sid: String,
    #[schema(pattern = "^VA[0-9a-f]{32}$")]
    service_sid: String,
    #[schema(pattern = "^AC[0-9a-f]{32}$")]
    account_sid: String,
    /// The number; null after it was erased.
    #[schema(required = true)]
    to: Option<String>,
    /// Always `sms`.
    #[schema(value_type = String)]
    channel: &'static str,
    /// `approved`; `pending` after a wrong code; `canceled` for another payment.
    #[schema(value_type = String)]
    status: &'static str,
    /// Whether the code was right.
    valid: bool,
    /// The amount of the check.
    #[schema(required = true)]
    amount: Option<String>,
    /// The payee of the check.
    #[schema(required = true)]
    payee: Option<String>,
    /// Always empty.
    sna_attempts_error_codes: Vec<String>,
    #[schema(format = DateTime)]
    date_created: String,
    /// The time of the check.
    #[schema(format = DateTime)]
    date_updated: String,
}

/// Submits a code.
#[derive(ToSchema)]
#[schema(as = TwilioVerificationCheckForm, rename_all = "PascalCase")]
pub struct CheckForm {
    /// The code as the person typed it.
    #[schema(value_type = String, example = "123456")]
    code: Code,
    /// The number that got the code. Send this or `VerificationSid`.
    #[schema(example = "+48500500500")]
    to: Option<String>,
    #[schema(value_type = Option<String>, pattern = "^VE[0-9a-f]{32}$")]
    verification_sid: Option<VerificationId>,
    /// The amount of the start, if it named one.
    amount: Option<String>,
    /// The payee of the start, if it named one.
    payee: Option<String>,
    #[schema(ignore)]
    number: Option<PhoneNumber>,
    #[schema(ignore)]
    payment: Option<Transaction>,
}

impl CheckForm {
    /// Reads it.
    fn read(form: &Form, mode: Mode) -> Result<Self, Refusal> {
        let code = Code::parse(form.required("Code")?).ok_or_else(|| Refusal::invalid("Code"))?;
        let payment = payment(form)?;
        let to = form.get("To")?;
        let number = to.map(|to| number(to, mode)).transpose()?;
        let sid = form.parsed("VerificationSid", |text| Sid::parse(Kind::Verification, text))?;
        Ok(Self {
            code,
            to: to.map(str::to_owned),
            verification_sid: sid.map(VerificationId::from_bytes),
            amount: form.get("Amount")?.map(str::to_owned),
            payee: form.get("Payee")?.map(str::to_owned),
            number,
            payment,
        })
    }
}

/// Checks a code.
///
/// A wrong code answers `pending`, also the last one. After that the answer is
/// 429.
#[utoipa::path(
    tag = "twilio",
    params(("service" = String, Path, description = "The service.", pattern = "^VA[0-9a-f]{32}$")),
    request_body(content = CheckForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The result of the check.", body = VerificationCheck)),
    security(("twilio" = ["compat:twilio"]))
)]
#[post("/Services/{service}/VerificationCheck")]
pub async fn create_verification_check(
    caller: Authed<CompatTwilio>,
    request: HttpRequest,
    state: Data<State>,
    path: Path<String>,
    form: Form,
) -> Answer {
    let view = state.context.tenant_view(caller.tenant)?;
    let profile = service(&caller, &view, &path)?;
    let asked = CheckForm::read(&form, caller.mode)?;
    let checked = submit(&state, &caller, profile, &asked).await?;
    let (status, valid) = answer(&checked.outcome)?;
    note(&request, checked.id, status);
    let now = state.clock.now();
    // Answer the approval even if the details of the verification cannot be read just now.
    let about = by_id(&state, &caller, profile, checked.id).await.ok();
    let created = about.as_ref().map_or_else(|| checked.id.created_at(), |about| about.created_at);
    let to = match about {
        Some(about) => about.to.map(|to| to.e164().to_owned()),
        None => asked.to,
    };
    Ok(HttpResponse::Ok().json(VerificationCheck {
        sid: Sid::new(Kind::Verification, checked.id.bytes()).to_string(),
        service_sid: Sid::new(Kind::Service, profile.id.bytes()).to_string(),
        account_sid: Sid::new(Kind::Account, caller.tenant.bytes()).to_string(),
        to,
        channel: "sms",
        status,
        valid,
        amount: asked.amount,
        payee: asked.payee,
        sna_attempts_error_codes: Vec::new(),
        date_created: time(created),
        date_updated: time(now.max(created)),
    }))
}

async fn submit(
    state: &State,
    caller: &Actor,
    profile: &Profile,
    asked: &CheckForm,
) -> Result<Checked, Refusal> {
    let submitted = Submitted { code: &asked.code, transaction: asked.payment.as_ref(), once: None };
    let (now, mut rng) = (state.clock.now(), rng());
    let checked = match (asked.verification_sid, &asked.number) {
        (Some(id), to) => {
            let known = by_id(state, caller, profile, id).await?;
            if to.is_some() && *to != known.to {
                return Err(Refusal::not_found());
            }
            check_code(&state.context, caller, known.id, submitted, now, &mut rng).await
        }
        (None, Some(to)) => {
            let of = (to, &profile.name);
            check_in_family(&state.context, caller, Family::Twilio, of, submitted, now, &mut rng).await
        }
        (None, None) => return Err(Refusal::missing("To or VerificationSid")),
    };
    checked.map_err(|error| Problem::from(error).into())
}

/// Twilio's word for the outcome of a check. A verification that has ended is not found there.
fn answer(outcome: &CheckOutcome) -> Result<(&'static str, bool), Refusal> {
    match outcome {
        CheckOutcome::Approved => Ok((status(Status::Approved), true)),
        // A code with another length is wrong like any other, but used up no try.
        CheckOutcome::Wrong | CheckOutcome::Exhausted | CheckOutcome::InvalidCode => {
            Ok((status(Status::Pending), false))
        }
        CheckOutcome::TransactionMismatch => Ok((status(Status::Canceled), false)),
        CheckOutcome::Ended(Status::Exhausted) => Err(Refusal::max_checks()),
        CheckOutcome::AlreadyApproved | CheckOutcome::Ended(_) => Err(Refusal::not_found()),
        CheckOutcome::GuessLimit(wait) => Err(problem::guess_limit(*wait).into()),
        CheckOutcome::UnknownKeyVersion => Err(problem::codes_unavailable().into()),
    }
}

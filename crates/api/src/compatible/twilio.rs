//! An API compatible with Twilio Verify v2, for clients that move over by changing their base URL. Services
//! are profiles, SIDs are our ids, and refusals have Twilio's codes. docs/twilio.md gives the whole mapping.

mod amount;
mod base;
mod buckets;
mod checks;
mod error;
mod form;
mod page;
mod rate_limits;
mod services;
mod sid;
mod verifications;

pub use error::RefusalBody;
pub use sid::account_sid;

use crate::access::middleware::{Door, authenticate_basic};
use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use base::Base;
use countersign_web::{
    State,
    form::{Form, OwnRefusal},
    problem::Problem,
};
use error::{Refusal, words};
use sid::is_user_of;
use utoipa_actix_web::service_config::ServiceConfig;

/// The form of refusals on these paths.
pub const FORM: Form = Form {
    segments: &["v2"],
    refuse: |problem, request| tell(problem.clone().into(), request),
    own: |error| Some(Box::new(error.as_error::<Refusal>()?.clone())),
    no_store: true,
    schema: "TwilioRefusal",
    content_type: "application/json",
    words: Some(words),
    ..Form::PROBLEM
};

/// Every operation below `/v2`.
pub fn routes(v2: &mut ServiceConfig<'_>) {
    v2.service(services::create_service)
        .service(services::list_services)
        .service(services::read_service)
        .service(services::update_service)
        .service(services::delete_service)
        .service(rate_limits::create_rate_limit)
        .service(rate_limits::list_rate_limits)
        .service(rate_limits::read_rate_limit)
        .service(rate_limits::update_rate_limit)
        .service(rate_limits::delete_rate_limit)
        .service(buckets::create_bucket)
        .service(buckets::list_buckets)
        .service(buckets::read_bucket)
        .service(buckets::update_bucket)
        .service(buckets::delete_bucket)
        .service(verifications::create_verification)
        .service(verifications::fetch_verification)
        .service(verifications::update_verification)
        .service(checks::create_verification_check);
}

/// Makes the answer for a refusal. If the request is known, its link to more information is a whole URL.
fn tell(refusal: Refusal, request: Option<&HttpRequest>) -> HttpResponse {
    let whole = request.map(|request| refusal.clone().at(Base::of(request).as_str()));
    whole.unwrap_or(refusal).error_response()
}

impl OwnRefusal for Refusal {
    fn problem(&self) -> &Problem {
        self.as_problem()
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        tell(self.clone(), Some(request))
    }
}

/// The middleware of these paths. The key is the password, and the user name is the SID of the account or of
/// the key.
pub async fn authenticate(
    state: Data<State>,
    door: Data<Door>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    authenticate_basic((&state, &door), is_user_of, request, next).await
}

//! Routes that speak as other systems do: which form a path speaks, and the
//! list of all of them. Handlers refuse by a [`Problem`] as everywhere; it is
//! told in the form of its path, also where no handler was reached.

use crate::{auth, camara, smsapi, twilio};
use actix_web::{HttpResponse, ResponseError, middleware::from_fn};
use countersign_web::problem::Problem;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

/// How refusals are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a problem (RFC 9457).
    Problem,
    /// As SMSAPI does.
    Smsapi,
    /// As Twilio does.
    Twilio,
    /// As CAMARA prescribes.
    Camara,
}

impl Form {
    /// The form of a path, whether or not there is anything at it.
    pub fn of(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        match segments.next() {
            Some("mfa" | "ping" | "api") => Self::Smsapi,
            Some("v2") => Self::Twilio,
            Some("one-time-password-sms") => Self::Camara,
            _ => Self::Problem,
        }
    }

    /// The answer that tells a refusal.
    pub fn refuse(self, problem: &Problem) -> HttpResponse {
        match self {
            Self::Problem => problem.error_response(),
            Self::Smsapi => smsapi::refuse(problem),
            Self::Twilio => twilio::Refusal::from(problem.clone()).error_response(),
            Self::Camara => camara::refuse(problem),
        }
    }

    /// The name of its schema, and the type that it is sent as.
    pub fn schema(self) -> (&'static str, &'static str) {
        match self {
            Self::Problem => ("Problem", "application/problem+json"),
            Self::Smsapi => ("SmsapiError", "application/json"),
            Self::Twilio => ("TwilioRefusal", "application/json"),
            Self::Camara => ("CamaraError", "application/json"),
        }
    }
}

/// Every compatible operation; their document is made from the same list.
pub fn routes(config: &mut ServiceConfig<'_>) {
    let one_time_password = scope("/one-time-password-sms/v1").configure(camara::routes);
    config
        .service(scope("/mfa").configure(smsapi::routes).wrap(from_fn(auth::authenticate)))
        .service(scope("/ping").service(smsapi::ping).wrap(from_fn(auth::authenticate)))
        // Its clients know two addresses of it: at the root, and below this.
        .service(scope("/api").configure(smsapi::routes_below_api).wrap(from_fn(auth::authenticate)))
        .service(scope("/v2").configure(twilio::routes).wrap(from_fn(auth::authenticate_twilio)))
        .service(one_time_password.wrap(from_fn(auth::authenticate)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_speaks_one_form() {
        for (path, form) in [
            ("/mfa/codes", Form::Smsapi),
            ("/api/mfa/codes", Form::Smsapi),
            ("/api/nothing", Form::Smsapi),
            ("/ping", Form::Smsapi),
            ("/mfa", Form::Smsapi),
            ("/v2", Form::Twilio),
            ("/v2/Services", Form::Twilio),
            ("/v22", Form::Problem),
            ("/one-time-password-sms/v1/send-code", Form::Camara),
            ("/one-time-password-sms", Form::Camara),
            ("/v1/mfa", Form::Problem),
            ("/mfacodes", Form::Problem),
            ("/", Form::Problem),
            ("", Form::Problem),
        ] {
            assert_eq!(Form::of(path), form, "{path}");
        }
    }
}

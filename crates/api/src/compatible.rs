//! The compatible APIs, which imitate other systems: the form of each path, and the list of all operations.
//! Handlers refuse with a [`Problem`](countersign_web::problem::Problem), as everywhere. `observe` writes the
//! answer in the form of the path, even if no handler was reached.

mod camara;
mod smsapi;
mod twilio;

pub use camara::CamaraError;
pub use smsapi::SmsapiError;
pub use twilio::{RefusalBody, account_sid};

use crate::{access::middleware::authenticate, v1};
use actix_web::middleware::from_fn;
use countersign_web::form::Form;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

/// The form of each path that has one of its own.
pub const FORMS: [Form; 4] = [v1::FORM, smsapi::FORM, twilio::FORM, camara::FORM];

/// Every compatible operation. Their OpenAPI document is made from the same list.
pub fn operations(config: &mut ServiceConfig<'_>) {
    let one_time_password = scope("/one-time-password-sms/v1").configure(camara::routes);
    config
        .service(scope("/mfa").configure(smsapi::routes).wrap(from_fn(authenticate)))
        .service(scope("/ping").service(smsapi::ping).wrap(from_fn(authenticate)))
        // SMSAPI's clients use two addresses: at the root, and below `/api`.
        .service(scope("/api").configure(smsapi::routes_below_api).wrap(from_fn(authenticate)))
        .service(scope("/v2").configure(twilio::routes).wrap(from_fn(twilio::authenticate)))
        .service(one_time_password.wrap(from_fn(authenticate)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_web::form::Forms;

    #[test]
    fn a_path_speaks_one_form() {
        for (path, schema) in [
            ("/mfa/codes", "SmsapiError"),
            ("/api/mfa/codes", "SmsapiError"),
            ("/api/nothing", "SmsapiError"),
            ("/ping", "SmsapiError"),
            ("/mfa", "SmsapiError"),
            ("/v2", "TwilioRefusal"),
            ("/v2/Services", "TwilioRefusal"),
            ("/v22", "Problem"),
            ("/one-time-password-sms/v1/send-code", "CamaraError"),
            ("/one-time-password-sms", "CamaraError"),
            ("/v1/mfa", "Problem"),
            ("/mfacodes", "Problem"),
            ("/", "Problem"),
            ("", "Problem"),
        ] {
            assert_eq!(Forms(&FORMS).of(path).schema, schema, "{path}");
        }
    }
}

//! Routes that speak as other systems do, for clients that move over. They
//! stand in a document of their own: programs are written for them already,
//! so no client is made from it.

use crate::{
    auth, openapi,
    problem::ProblemCode,
    twilio::{self, Refusal, RefusalBody},
};
use actix_web::{App, middleware::from_fn};
use utoipa::{
    OpenApi as _,
    openapi::{
        Components, OpenApi, RefOr, Response, Schema,
        path::Operation,
        schema::AdditionalProperties,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign, compatible routes",
        description = "Routes that answer as other systems do. Each family has a page in docs/, which says what \
            maps to what, and its own form of refusals.",
        version = env!("CARGO_PKG_VERSION"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server.")),
    tags((name = "twilio", description = "Twilio Verify v2 (docs/twilio.md).")),
    components(schemas(RefusalBody<'static>))
)]
struct Document;

/// Every operation; the document is made from the same list.
pub fn routes(config: &mut ServiceConfig<'_>) {
    let v2 = utoipa_actix_web::scope("/v2").configure(twilio::routes);
    config.service(v2.wrap(from_fn(auth::authenticate_twilio)));
}

/// The document; needs neither a store nor configuration.
pub fn compatible_openapi() -> OpenApi {
    let app = App::new().into_utoipa_app().openapi(Document::openapi());
    let (_, mut document) = app.configure(routes).split_for_parts();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in openapi::operations(item) {
            complete(operation);
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    for (name, schema) in &mut components.schemas {
        // Twilio ignores parameters that it does not know.
        match schema {
            RefOr::T(Schema::Object(form)) if name.ends_with("Form") || name.ends_with("Update") => {
                form.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
            }
            _ => openapi::close(schema),
        }
    }
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("The account SID, or the SID of the key, and the key."))
        .build();
    components.add_security_scheme("twilio", SecurityScheme::Http(basic));
    document
}

/// Adds the answers that follow from what the operation is.
fn complete(operation: &mut Operation) {
    let kinds = [
        (true, ProblemCode::InvalidRequest, "a parameter is missing or cannot be."),
        (true, ProblemCode::InvalidKey, "no key, or one that is not accepted for this user."),
        (true, ProblemCode::InsufficientScope, "the key or its address may not do this."),
        (openapi::has_path_parameter(operation), ProblemCode::NotFound, "there is nothing with this SID."),
        (operation.request_body.is_some(), ProblemCode::PayloadTooLarge, "the body is larger than 64 KiB."),
        (operation.request_body.is_some(), ProblemCode::UnsupportedMediaType, "the body is no form."),
        (true, ProblemCode::RateLimited, "a limit refused, or too many keys that are not accepted."),
        (true, ProblemCode::Internal, "the server failed."),
        (true, ProblemCode::DirectoryUnavailable, "a store is away."),
    ];
    for (_, kind, words) in kinds.into_iter().filter(|(applies, ..)| *applies) {
        let response = || RefOr::T(Response::new(format!("`{}`: {words}", Refusal::code_of(kind))));
        operation.responses.responses.entry(kind.status().as_str().to_owned()).or_insert_with(response);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            openapi::complete_response(status, response, ("application/json", "TwilioRefusal"));
        }
    }
}

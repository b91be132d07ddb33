//! The OpenAPI document. Each handler describes what is special about it. This module adds what follows from
//! a rule: the form of problems, the statuses of authentication and of reading a body, closed objects.

use super::{
    deprecation::{self, DEPRECATED},
    operations::operations as all,
};
use crate::{
    compatible::{self, CamaraError, FORMS, RefusalBody, SmsapiError},
    http::paths::Paths,
};
use actix_web::{App, dev::ResourceDef, web::Bytes};
use countersign_web::{
    deprecation::Deprecation,
    form::{Form, Forms},
    problem::{ProblemBody, ProblemCode},
};
use std::sync::LazyLock;
use utoipa::{
    OpenApi as _,
    openapi::{
        Components, Content, Header, Object, OpenApi, Ref, RefOr, Response, Schema, Type,
        path::{Operation, ParameterIn, PathItem},
        schema::AdditionalProperties,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Issues one-time codes by SMS and verifies them. Start a verification for a number, \
            then check the code that the person types. Every refusal is a problem (RFC 9457) with a stable `code`.",
        version = env!("CARGO_PKG_VERSION"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server.")),
    tags(
        (name = "verifications", description = "Prove that somebody holds a number."),
        (name = "numbers", description = "The stored data of a number."),
        (name = "reports", description = "Counts of events."),
        (name = "keys", description = "API keys of the tenant."),
        (name = "members", description = "Persons in the tenant, what each of them may do, and invitations."),
        (name = "allowlists", description = "The addresses from which keys work, and from which they were used."),
        (name = "delivery", description = "Providers, routes, senders and texts of messages."),
        (name = "settings", description = "Limits, countries, profiles and numbers of the tenant."),
        (name = "webhooks", description = "URLs that get events (Standard Webhooks 1.0)."),
        (name = "audit", description = "Who changed what."),
        (name = "tenants", description = "Tenants, for the operator of the server: its keys alone hold `operator`."),
        (name = "system", description = "Health and documentation; no key is needed."),
    ),
    components(schemas(ProblemBody<'static>))
)]
struct Document;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign, compatible routes",
        description = "Routes with the interfaces of other systems, so that their clients work unchanged: \
            SMSAPI's authenticator, Twilio Verify, and One Time Password SMS of CAMARA. Each route answers \
            errors in the form of its system.",
        version = env!("CARGO_PKG_VERSION"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "This server.")),
    tags(
        (name = "smsapi", description = "SMSAPI's authenticator."),
        (name = "twilio", description = "Twilio Verify v2 (docs/twilio.md)."),
        (name = "camara", description = "One Time Password SMS of CAMARA, version 1.1.1."),
    ),
    components(schemas(SmsapiError<'static>, RefusalBody<'static>, CamaraError<'static>))
)]
struct CompatibleDocument;

/// Makes the document. It needs neither a store nor configuration.
pub fn openapi() -> OpenApi {
    document(Document::openapi(), all, DEPRECATED)
}

/// Makes the document of the compatible APIs. It is separate, because SDKs are generated from the other one.
pub fn compatible_openapi() -> OpenApi {
    let mut document = document(CompatibleDocument::openapi(), compatible::operations, &[]);
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some(
            "The account SID, or the SID of the key, and the key. You may leave out its underscores.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("twilio", SecurityScheme::Http(basic));
    document
}

/// Makes the document with these operations deprecated.
#[cfg(test)]
fn openapi_deprecating(deprecated: &[Deprecation]) -> OpenApi {
    document(Document::openapi(), all, deprecated)
}

fn document(head: OpenApi, routes: fn(&mut ServiceConfig<'_>), deprecated: &[Deprecation]) -> OpenApi {
    let app = App::new().into_utoipa_app().openapi(head);
    let (_, mut document) = app.configure(routes).split_for_parts();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(operation, Forms(&FORMS).of(path));
            if let Some(deprecation) = countersign_web::deprecation::of(deprecated, method, path) {
                deprecation::mark(deprecation, operation);
            }
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    for (name, schema) in &mut components.schemas {
        // Twilio ignores parameters that it does not know.
        let open = name.starts_with("Twilio") && (name.ends_with("Form") || name.ends_with("Update"));
        close(schema, open);
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("cs_live_... or cs_test_...")
        .description(Some("An API key. Each operation names the scope that it requires."))
        .build();
    components.add_security_scheme("key", SecurityScheme::Http(bearer));
    document
}

/// The operations of a path, each with its method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let slots = [
        ("DELETE", item.delete.as_mut()),
        ("GET", item.get.as_mut()),
        ("PATCH", item.patch.as_mut()),
        ("POST", item.post.as_mut()),
        ("PUT", item.put.as_mut()),
    ];
    slots.into_iter().filter_map(|(method, operation)| Some((method, operation?)))
}

/// Adds the answers that follow from the kind of operation.
fn complete(operation: &mut Operation, form: &Form) {
    let secured = operation.security.is_some();
    let in_path = |place: &ParameterIn| matches!(place, ParameterIn::Path);
    let has_id = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => in_path(&parameter.parameter_in),
        RefOr::Ref(_) => false,
    });
    let mut answers = vec![(true, ProblemCode::Internal, "`internal`.")];
    answers.push((
        secured,
        ProblemCode::InvalidRequest,
        "`invalid_request`: `errors` lists all fields that are wrong.",
    ));
    answers.push((secured, ProblemCode::InvalidKey, "`invalid_key`."));
    answers.push((secured, ProblemCode::InsufficientScope, "`insufficient_scope`."));
    answers.push((secured, ProblemCode::RateLimited, "`rate_limited`: too many keys that are not accepted."));
    answers.push((secured, ProblemCode::DirectoryUnavailable, "`directory_unavailable`."));
    answers.push((has_id, ProblemCode::NotFound, "`not_found`."));
    let body = operation.request_body.is_some();
    answers.push((body, ProblemCode::PayloadTooLarge, "`payload_too_large`."));
    answers.push((body, ProblemCode::UnsupportedMediaType, "`unsupported_media_type`."));
    for (_, code, description) in answers.into_iter().filter(|(applies, ..)| *applies) {
        let status = code.status().as_str().to_owned();
        // The handlers alone name these codes, each in its own form.
        let description = form.words.map_or_else(|| description.to_owned(), |words| words(code));
        let response = || RefOr::T(Response::new(description));
        operation.responses.responses.entry(status).or_insert_with(response);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if secured && status == "403" && form.words.is_none() {
                response.description.push_str(" `ip_not_allowed`: an allowlist lacks the caller's address.");
            }
            complete_response(status, response, form);
        }
    }
}

/// Adds the headers of a status to a response, and the schema to a refusal.
fn complete_response(status: &str, response: &mut Response, form: &Form) {
    let mut header = |name: &str, kind: Type, description: &str| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(description.to_owned());
        response.headers.insert(name.to_owned(), header.into());
    };
    header("X-Request-Id", Type::String, "Names this request in the server's logs.");
    match status {
        "429" => header(
            "Retry-After",
            Type::Integer,
            "Seconds after which the same request may pass; present when it may pass at all.",
        ),
        "503" => header("Retry-After", Type::Integer, "Seconds after which the same request may pass."),
        "401" => header("WWW-Authenticate", Type::String, "How to present a key (RFC 6750)."),
        "403" => header(
            "WWW-Authenticate",
            Type::String,
            "The scope of the operation (RFC 6750); present when the key lacks it.",
        ),
        _ => {}
    }
    if status >= "400" {
        let content = Content::new(Some(Ref::from_schema_name(form.schema)));
        response.content.insert(form.content_type.to_owned(), content.into());
    }
}

/// Closes an object: requests with unknown fields are refused, and answers never have any.
fn close(schema: &mut RefOr<Schema>, open: bool) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
        && object.additional_properties.is_none()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(open)));
    }
}

/// The finished documents. They are made once, when a request first needs them, because making them takes
/// megabytes.
struct Served {
    json: Bytes,
    paths: Paths,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let (mut document, mut compatible) = (openapi(), compatible_openapi());
    let json = serde_json::to_vec(&document).map(Bytes::from).unwrap_or_default();
    let paths = document.paths.paths.iter_mut().chain(&mut compatible.paths.paths).map(|(path, item)| {
        // Every path that has GET also has HEAD; see `head.rs` of the crate web.
        let methods = operations(item).map(|(method, _)| if method == "GET" { "GET, HEAD" } else { method });
        let methods: Vec<_> = methods.collect();
        (ResourceDef::new(path.as_str()), methods.join(", "))
    });
    Served { json, paths: Paths(paths.collect()) }
});

/// The paths of both documents.
pub fn paths() -> &'static Paths {
    &SERVED.paths
}

/// The document as JSON.
pub fn json() -> Bytes {
    SERVED.json.clone()
}

#[cfg(test)]
mod tests;

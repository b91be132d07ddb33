//! Refusals as pages.

use crate::{
    errors::Errors,
    http::{headers, language},
    shell::Shell,
    site::Site,
    text::Text,
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _,
    http::{
        StatusCode,
        header::{ALLOW, RETRY_AFTER},
    },
    web,
};
use askama::Template;
use countersign_core::{people::hours::Zone, time::Timestamp};
use countersign_web::{
    form::Form,
    problem::{Problem, ProblemCode},
};

#[derive(Template)]
#[template(path = "portal/error.html")]
struct ErrorPage {
    shell: Shell,
    sentence: String,
}

/// The form of the portal's refusals: pages, in the browser's language.
pub const REFUSALS: Form = Form {
    segments: &["portal"],
    refuse,
    own: |_| None,
    echo: |_| None,
    no_store: false,
    schema: "Page",
    content_type: "text/html",
    words: None,
};

/// The keys of title and sentence.
fn words(problem: &Problem) -> (&'static str, &'static str) {
    match (problem.code(), problem.status_code()) {
        (ProblemCode::StaleForm, _) => ("stale-title", "stale-sentence"),
        (ProblemCode::ForeignOrigin, _) => ("foreign-title", "foreign-sentence"),
        (_, StatusCode::NOT_FOUND) => ("missing-title", "missing-sentence"),
        (_, StatusCode::FORBIDDEN) => ("forbidden-title", "forbidden-sentence"),
        (_, StatusCode::TOO_MANY_REQUESTS) => ("many-title", "many-sentence"),
        (_, StatusCode::SERVICE_UNAVAILABLE) => ("unavailable-title", "unavailable-sentence"),
        (_, status) if status.is_client_error() => ("request-title", "request-sentence"),
        _ => ("failed-title", "failed-sentence"),
    }
}

fn refuse(problem: &Problem, request: Option<&HttpRequest>) -> HttpResponse {
    let plain = problem.error_response();
    let t = request.map_or(Text::default(), language::of_request);
    let site = request.and_then(|request| request.app_data::<web::Data<Site>>());
    let (title, sentence) = words(problem);
    let shell = Shell {
        t,
        title: t.get(title).into_owned(),
        token: String::new(),
        errors: Errors::default(),
        flash: None,
        support: site.and_then(|site| site.support.clone()),
        host: site.and_then(|site| site.host()).map(str::to_owned),
        zone: Zone::default(),
        now: Timestamp::default(),
        account: None,
        cookie: None,
    };
    let Ok(html) = (ErrorPage { shell, sentence: t.get(sentence).into_owned() }).render() else {
        return plain;
    };
    let mut answer = HttpResponseBuilder::new(plain.status());
    for name in [RETRY_AFTER, ALLOW] {
        if let Some(value) = plain.headers().get(&name) {
            answer.insert_header((name, value.clone()));
        }
    }
    let mut answer = answer.content_type("text/html; charset=utf-8").body(html);
    if let Some(request) = request {
        headers::add(request, answer.headers_mut());
    }
    answer
}

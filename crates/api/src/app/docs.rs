//! The pages for people below `/docs/`. They are files of the binary and not operations of the API.
//!
//! Each file is loaded once and sent in slices that share one copy. The integration of `utoipa_swagger_ui`
//! with actix-web copies the file for each request. Also, a body in one piece is copied whole into the
//! connection's buffer. So a client that never reads would hold the largest script in memory twice.

use crate::http::paths::method_refusal;
use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header,
    web::{self, Bytes},
};
use countersign_web::problem::Problem;
use futures_util::stream::{self, Stream};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock},
};
use utoipa_swagger_ui::Config;

/// The files that the page loads. The other builds of the same scripts are not served.
const NAMES: [&str; 8] = [
    "index.html",
    "index.css",
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

/// The pages that refusals refer to.
const PAGES: [(&str, &str); 1] = [("twilio.md", include_str!("../../../../docs/twilio.md"))];

/// Allows nothing from other hosts, and no frames. Swagger UI writes styles into the page and images into
/// styles, so both are allowed.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// The number of bytes of a body that a connection buffers at once.
const SLICE: usize = 16 * 1024;

/// A file, ready to be sent.
struct File {
    bytes: Bytes,
    content_type: String,
    etag: String,
}

static FILES: LazyLock<BTreeMap<&'static str, File>> = LazyLock::new(|| {
    // The validator is off: it would send the document's address to a server of strangers.
    let config = Arc::new(Config::new(["/openapi.json"]).validator_url("none"));
    let files = NAMES.into_iter().filter_map(|name| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok()??;
        let mut hasher = DefaultHasher::new();
        file.bytes.hash(&mut hasher);
        let bytes = match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let etag = format!("\"{:016x}\"", hasher.finish());
        Some((name, File { bytes, content_type: file.content_type, etag }))
    });
    let pages = PAGES.into_iter().map(|(name, text)| {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let (bytes, etag) = (Bytes::from_static(text.as_bytes()), format!("\"{:016x}\"", hasher.finish()));
        (name, File { bytes, content_type: "text/markdown; charset=utf-8".to_owned(), etag })
    });
    files.chain(pages).collect()
});

/// Registers the pages.
pub fn configure(config: &mut web::ServiceConfig) {
    let pages = web::resource("/docs/{name:.*}").route(web::get().to(send_file));
    config.service(pages.default_service(web::to(refuse_method)));
}

async fn refuse_method() -> HttpResponse {
    HttpResponse::from_error(method_refusal("GET, HEAD"))
}

/// `GET /docs/{name}`. The browser revalidates each time, so it never shows a new release with the scripts of
/// the old one.
async fn send_file(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let name = if name.is_empty() { "index.html" } else { name.as_str() };
    let file = FILES.get(name).ok_or_else(|| Problem::not_found("There is no such page."))?;
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known == Some(file.etag.as_str());
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((header::ETAG, file.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
    if is_known {
        return Ok(answer.finish());
    }
    Ok(answer.content_type(file.content_type.as_str()).body(in_slices(file.bytes.clone())))
}

/// Makes a body that is buffered slice by slice, as the client reads it.
pub fn in_slices(whole: Bytes) -> SizedStream<impl Stream<Item = Result<Bytes, Infallible>>> {
    let length = whole.len();
    let slices = (0..length).step_by(SLICE).map(move |at| Ok(whole.slice(at..length.min(at + SLICE))));
    SizedStream::new(length as u64, stream::iter(slices))
}

#[cfg(test)]
mod tests;

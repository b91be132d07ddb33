//! The files that the pages load: style sheets, scripts, icons. All are embedded in the binary; nothing comes
//! from another host.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use countersign_web::problem::Problem;
use rust_embed::Embed;
use std::borrow::Cow;

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// `GET /dev/assets/{name}` and `GET /portal/assets/{name}`. The browser revalidates each time, so it never shows a new binary's page with
/// the old style sheet.
pub(crate) async fn send_asset(
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (Some(file), Some(content_type)) = (Assets::get(&name), content_type(&name)) else {
        return Err(Problem::not_found("There is no such file."));
    };
    let hash: String = file.metadata.sha256_hash().iter().take(8).map(|b| format!("{b:02x}")).collect();
    let etag = format!("\"{hash}\"");
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut answer = match known {
        Some(known) if known == etag => HttpResponse::NotModified(),
        _ => HttpResponse::Ok(),
    };
    answer
        .insert_header((header::ETAG, etag.clone()))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if known == Some(etag.as_str()) {
        return Ok(answer.finish());
    }
    let bytes = match file.data {
        // The file is a part of the binary, so a request copies nothing.
        Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
        // A development build reads the folder instead.
        Cow::Owned(bytes) => web::Bytes::from(bytes),
    };
    Ok(answer.content_type(content_type).body(bytes))
}

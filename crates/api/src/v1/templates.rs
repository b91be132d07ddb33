//! Templates: make, list, read, change, delete, preview.

pub mod json;
pub mod read;

pub use json::Text;

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite, Within},
    http::{created::made, id::Id},
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get, patch, post,
    web::{Data, Json},
};
use countersign_core::{id::TemplateId, management::templates};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
use json::{ShippedList, Template, TemplateList};
use read::{CreateTemplate, PreviewTemplate, UpdateTemplate};

/// Makes a template: the texts of messages, one for each language.
///
/// Each text contains `{code}` exactly once. It may contain `{company}` and
/// `{minutes}`. A text about a transaction also contains `{amount}`, `{currency}`
/// and `{payee}`, each once. If a language has no text, the server takes the next
/// that exists: `pt` for `pt-BR`, your tenant's locale, English, the texts that
/// come with the program.
#[utoipa::path(
    tag = "delivery",
    request_body = CreateTemplate,
    responses(
        (status = 201, description = "Made.", body = Template,
            headers(("Location" = String, description = "The path of the template."))),
        (status = 409, description = "`conflict`: you have a template of this name, or 100 already."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/templates")]
pub async fn create_template(
    caller: Authed<Within<SettingsWrite>>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let (asked, now) = (fields.read(CreateTemplate::read)?.into(), state.clock.now());
    let template = templates::create_template(
        &state.context,
        &caller,
        asked,
        once.as_ref(),
        &caller.change(now),
        &mut rng(),
    )
    .await?;
    let id = template.value.0.id.to_string();
    Ok(made(&request, &id, template.before, Template::from(template.value)))
}

/// Lists the templates.
#[utoipa::path(
    tag = "delivery",
    responses((status = 200, description = "The templates.", body = TemplateList)),
    security(("key" = ["settings:read"]))
)]
#[get("/templates")]
pub async fn list_templates(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<TemplateList>, Problem> {
    query.0.finish(Some(()))?;
    let found = templates::list_templates(&state.context, &caller).await?;
    Ok(Json(TemplateList { data: found.into_iter().map(Template::from).collect() }))
}

/// Lists the texts that come with the program.
///
/// The server uses them if a start names no template, or if a template has no
/// text in the language.
#[utoipa::path(
    tag = "delivery",
    responses((status = 200, description = "The texts.", body = ShippedList)),
    security(("key" = ["settings:read"]))
)]
#[get("/templates/defaults")]
pub async fn list_default_texts(
    _caller: Authed<Within<SettingsRead>>,
    query: Query,
) -> Result<Json<ShippedList>, Problem> {
    query.0.finish(Some(()))?;
    Ok(Json(ShippedList::default()))
}

/// Reads a template.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The template.", pattern = "^tpl_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The template.", body = Template)),
    security(("key" = ["settings:read"]))
)]
#[get("/templates/{id}")]
pub async fn read_template(
    caller: Authed<Within<SettingsRead>>,
    id: Id<TemplateId>,
    state: Data<State>,
) -> Result<Json<Template>, Problem> {
    Ok(Json(templates::read_template(&state.context, &caller, id.0).await?.into()))
}

/// Changes a template.
///
/// The body is a merge patch, also inside `texts`: absent languages stay, and
/// null removes a language. Messages that wait to be sent get the new text.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The template.", pattern = "^tpl_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateTemplate = "application/merge-patch+json"),
        (UpdateTemplate = "application/json"),
    )),
    responses(
        (status = 200, description = "The template as it is now.", body = Template),
        (status = 409, description = "`conflict`: the name is taken, or another change came first."),
    ),
    security(("key" = ["settings:write"]))
)]
#[patch("/templates/{id}")]
pub async fn update_template(
    caller: Authed<Within<SettingsWrite>>,
    id: Id<TemplateId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Template>, Problem> {
    let (change, now) = (body.0.read(UpdateTemplate::read)?.into(), state.clock.now());
    Ok(Json(
        templates::update_template(&state.context, &caller, id.0, change, &caller.change(now)).await?.into(),
    ))
}

/// Deletes a template.
///
/// Verifications that named it use the texts that come with the program.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The template.", pattern = "^tpl_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/templates/{id}")]
pub async fn delete_template(
    caller: Authed<Within<SettingsWrite>>,
    id: Id<TemplateId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    templates::delete_template(&state.context, &caller, id.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Shows how a text looks and what it costs, before you save it.
///
/// The example contains your company's name, the code 123456, five minutes, and a
/// payment of 49.90 EUR to Example Shop.
#[utoipa::path(
    tag = "delivery",
    request_body = PreviewTemplate,
    responses((status = 200, description = "The message.", body = Text)),
    security(("key" = ["settings:read"]))
)]
#[post("/templates/preview")]
pub async fn preview_template(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    body: Body,
) -> Result<Json<Text>, Problem> {
    let PreviewTemplate { text: template, transliterate, .. } = body.0.read(PreviewTemplate::read)?;
    let gsm = transliterate.unwrap_or(false);
    let preview = templates::preview_template(&state.context, &caller, &template, gsm)?;
    Ok(Json(Text::new(preview.text, preview.segments)))
}

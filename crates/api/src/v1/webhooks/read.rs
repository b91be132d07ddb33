//! Reads the bodies and the query of the webhook operations.

use countersign_core::{
    id::{AttemptId, WebhookMessageId},
    management::{
        key_rotation::{MOST_OVERLAP, OVERLAP},
        resources::ResourceName,
        webhooks::{NewWebhook, WebhookChange},
    },
    mode::Mode,
    webhook::{MAX_URL, event::WebhookEvent},
};
use countersign_web::{
    fields::{Fields, PAGE, array, boolean, page_limit, text, whole},
    problem::{Fault, Problem},
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// The body of a create.
pub fn create_request(mut fields: Fields) -> Result<NewWebhook, Problem> {
    let name = fields.required("name", name);
    let url = fields.required("url", url);
    let mode = fields
        .optional("mode", |value| Mode::parse(&text(value)?).ok_or(Fault::format("must be live or test")));
    let events = fields.optional("events", events).flatten();
    let enabled = fields.optional("enabled", boolean).unwrap_or(true);
    let new = name.zip(url).map(|(name, url)| NewWebhook { name, mode, url, events, enabled });
    fields.finish(new)
}

/// The body of a change.
pub fn update_request(mut fields: Fields) -> Result<WebhookChange, Problem> {
    let change = WebhookChange {
        name: fields.given("name", name),
        url: fields.given("url", url),
        events: fields.given_or_null("events", events).map(Option::flatten),
        enabled: fields.given("enabled", boolean),
    };
    fields.finish(Some(change))
}

/// The body of a rotation: how long both secrets sign.
pub fn rotate_request(mut fields: Fields) -> Result<Duration, Problem> {
    let overlap = fields.optional("overlap", whole(0..=MOST_OVERLAP.as_secs() as u32));
    fields.finish(Some(overlap.map_or(OVERLAP, |seconds| Duration::from_secs(seconds.into()))))
}

/// The body of a redelivery: the message.
pub fn redeliver_request(mut fields: Fields) -> Result<WebhookMessageId, Problem> {
    let message = fields.required("message_id", |value| {
        text(value)?.parse().map_err(|_| Fault::format("must be the message_id of a try"))
    });
    fields.finish(message)
}

/// Which page of the log.
pub struct Page {
    /// Tries on it.
    pub limit: u16,
    /// Only those older than this one.
    pub before: Option<AttemptId>,
}

/// The query of the log.
pub fn page(mut fields: Fields) -> Result<Page, Problem> {
    let limit = fields.given("limit", page_limit);
    let before = fields.given("cursor", |value| {
        text(value)?.parse().map_err(|_| Fault::format("must be the next_cursor of a page"))
    });
    fields.finish(Some(Page { limit: limit.unwrap_or(PAGE), before }))
}

fn name(value: Value) -> Result<ResourceName, Fault> {
    ResourceName::parse(&text(value)?).ok_or(Fault::format("must be 1 to 32 of a-z, 0-9 and -"))
}

/// Whether it can be called is for those to say who call it.
fn url(value: Value) -> Result<String, Fault> {
    let url = text(value)?;
    let known = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if !known || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::format("must be an https URL, in ASCII"));
    }
    if url.len() > MAX_URL {
        return Err(Fault::new("out_of_range", "must be at most 1000 characters long"));
    }
    Ok(url)
}

/// None at all are all of them.
fn events(value: Value) -> Result<Option<BTreeSet<WebhookEvent>>, Fault> {
    let unknown = || Fault::format("must hold only known events");
    let events =
        array(value)?.into_iter().map(|value| WebhookEvent::parse(&text(value)?).ok_or_else(unknown));
    let events: BTreeSet<_> = events.collect::<Result<_, Fault>>()?;
    Ok((!events.is_empty()).then_some(events))
}

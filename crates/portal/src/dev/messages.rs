//! `GET /dev/messages`: the messages that the virtual phone received. It exists only in `dev`, for the page
//! and for scripts that need the code.

use super::state::{DevPage, unavailable};
use actix_web::web;
use countersign_core::{phone::PhoneNumber, ports::inbox::InboxMessage};
use countersign_web::{
    body::Query,
    fields::text,
    problem::{Fault, Problem},
};
use serde::Serialize;
use serde_json::Value;

/// The maximum number of messages in one answer.
pub const MOST: u16 = 100;

/// A message, as the page and scripts get it.
#[derive(Serialize)]
pub struct MessageBody {
    id: String,
    verification_id: String,
    pub(crate) to: String,
    pub(crate) from: String,
    pub(crate) text: String,
    code: String,
    pub(crate) at: String,
}

impl MessageBody {
    /// Hour and minute in UTC, for browsers that cannot convert `at` to local time.
    pub(crate) fn minute(&self) -> &str {
        self.at.get(11..16).unwrap_or_default()
    }
}

impl From<InboxMessage> for MessageBody {
    fn from(message: InboxMessage) -> Self {
        Self {
            id: message.id.to_string(),
            verification_id: message.verification.to_string(),
            to: message.to,
            from: message.from,
            text: message.text,
            code: message.code,
            at: message.at.to_string(),
        }
    }
}

/// `GET /dev/messages?to=+E164`: newest first.
pub async fn list_messages(
    page: web::Data<DevPage>,
    Query(mut fields): Query,
) -> Result<web::Json<Vec<MessageBody>>, Problem> {
    let number = fields.given("to", number);
    let number = fields.finish(Some(number))?;
    let messages = page.inbox.list(number.as_ref().map(PhoneNumber::e164), MOST).await;
    let messages = messages.map_err(|error| unavailable("inbox", error))?;
    Ok(web::Json(messages.into_iter().map(MessageBody::from).collect()))
}

/// Reads a phone number. A `+` that was not escaped in the query arrives as a space.
fn number(value: Value) -> Result<PhoneNumber, Fault> {
    let text = text(value)?;
    let plus = text.strip_prefix(' ').map(|rest| format!("+{rest}"));
    let fault = |_| Fault::format("must be a mobile number in international form, such as +48500500500");
    PhoneNumber::parse(plus.as_deref().unwrap_or(&text)).map_err(fault)
}

//! `GET /dev/messages`: what the virtual phone received. `dev` only, for its
//! page and for scripts that need the code.

use crate::{
    page::DevPage,
    problem::{problem, unavailable},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use countersign_core::{phone::PhoneNumber, ports::inbox::InboxMessage};
use serde::{Deserialize, Serialize};

/// Most messages in one answer.
pub const MOST: u16 = 100;

/// A message as the page and scripts read it.
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
    /// Hour and minute in UTC, for browsers that cannot turn `at` into local time.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    to: Option<String>,
}

/// `GET /dev/messages?to=+E164`: newest first.
pub async fn list_messages(page: web::Data<DevPage>, request: HttpRequest) -> HttpResponse {
    let refused = |detail| problem(StatusCode::BAD_REQUEST, "invalid_request", detail);
    let Ok(filter) = web::Query::<Filter>::from_query(request.query_string()) else {
        return refused("The only parameter is to, once, with a number.");
    };
    let number = match filter.into_inner().to.as_deref().map(parse_to) {
        None => None,
        Some(Some(number)) => Some(number),
        Some(None) => {
            return refused("to must be a mobile number in international form, such as +48500500500.");
        }
    };
    match page.inbox.list(number.as_ref().map(PhoneNumber::e164), MOST).await {
        Ok(messages) => {
            HttpResponse::Ok().json(messages.into_iter().map(MessageBody::from).collect::<Vec<_>>())
        }
        Err(error) => unavailable("inbox", &error),
    }
}

/// A `+` that was not escaped in a query arrives as a space.
fn parse_to(text: &str) -> Option<PhoneNumber> {
    let plus = text.strip_prefix(' ').map(|rest| format!("+{rest}"));
    PhoneNumber::parse(plus.as_deref().unwrap_or(text)).ok()
}

//! The header Idempotency-Key: a client that repeats a POST with it gets the first answer.

use crate::{
    State,
    problem::{Problem, ProblemCode},
};
use actix_web::{
    HttpMessage, HttpRequest,
    http::{
        Method,
        header::{HeaderName, HeaderValue},
    },
    web::Data,
};
use countersign_core::{
    access::actor::{Actor, Who},
    verification::idempotency::Once,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that repeats an earlier one.
pub const REPLAYED: (&str, &str) = ("Idempotent-Replayed", "true");
/// The maximum length of a key, in characters.
const MAX_KEY: usize = 255;

/// The hashes of a POST with the header; `None` for any other request.
pub fn once(request: &HttpRequest, body: &[u8]) -> Result<Option<Once>, Problem> {
    let mut values = request.headers().get_all(&IDEMPOTENCY_KEY);
    let Some(value) = values.next().filter(|_| request.method() == Method::POST) else { return Ok(None) };
    let key = key(value).filter(|_| values.next().is_none()).ok_or_else(|| {
        let detail = "Idempotency-Key must stand once and hold 1 to 255 printable ASCII characters.";
        Problem::new(ProblemCode::InvalidRequest, detail)
    })?;
    let extensions = request.extensions();
    let (Some(caller), Some(state)) = (extensions.get::<Actor>(), request.app_data::<Data<State>>()) else {
        return Ok(None);
    };
    // Each API key and each member has its own set of Idempotency-Keys.
    let own = match caller.who {
        Who::Key(id) => *id.bytes(),
        Who::Member { id, .. } => *id.bytes(),
        Who::Operator(_) | Who::System => return Ok(None),
    };
    let keyring = &state.context.keyring;
    let parts = [own.as_slice(), key.as_bytes()];
    let slot = keyring.hash("idempotency", caller.tenant, &parts);
    let request = keyring.hash("request", caller.tenant, &[request.path().as_bytes(), body]);
    Ok(Some(Once { slot, request }))
}

/// Reads the key. The IETF draft requires a string in quotes; many clients leave the quotes out.
fn key(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?.trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let printable = key.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\');
    (printable && (1..=MAX_KEY).contains(&key.len())).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_its_quotes_and_without() {
        let read = |text: &str| key(&HeaderValue::from_str(text).unwrap()).map(str::to_owned);
        for text in ["8e03978e-40d5-43dd", "\"8e03978e-40d5-43dd\"", "  8e03978e-40d5-43dd "] {
            assert_eq!(read(text).as_deref(), Some("8e03978e-40d5-43dd"), "{text}");
        }
        assert_eq!(read(&"k".repeat(255)).map(|key| key.len()), Some(255));
        for bad in ["", "\"\"", &"k".repeat(256), "\"a", "a\\b", "\t"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

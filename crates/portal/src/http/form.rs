//! The fields of a form that a browser sent. Reading one proves that the form is the browser's own.

use super::csrf;
use crate::errors::Errors;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use countersign_web::{
    State, body,
    problem::{Problem, ProblemCode},
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// The maximum number of fields.
const MOST: usize = 1_000;

/// The fields, and the errors that were found in them so far. A handler that takes it gets only forms with the
/// token of this browser.
#[derive(Default)]
pub struct Form {
    fields: Vec<(String, Zeroizing<String>)>,
    pub errors: Errors,
}

impl Form {
    /// Reads fields. Those beyond the limit do not count.
    pub fn parse(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).take(MOST);
        let fields = pairs.map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())));
        Self { fields: fields.collect(), errors: Errors::default() }
    }

    /// A form with these fields.
    pub fn of(fields: Vec<(String, String)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name, Zeroizing::new(value)));
        Self { fields: fields.collect(), errors: Errors::default() }
    }

    /// The value of a field as it was typed. A field that is absent, or stands twice, is empty.
    pub fn raw(&self, name: &str) -> &str {
        let mut values = self.all(name);
        let first = values.next().unwrap_or_default();
        if values.next().is_some() { "" } else { first }
    }

    /// The value of a field without spaces around it.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// Whether a box is ticked.
    pub fn is_on(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// All values of a field, for boxes of one name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All fields in their order, but not the form's token.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter().filter(|(name, _)| name != csrf::FIELD);
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads a field. If `read` returns an error, the page shows it at the field.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match read(self.text(name)) {
            Ok(value) => Some(value),
            Err(message) => {
                self.errors.add(name, message);
                None
            }
        }
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let bytes = Zeroizing::new(body::read(&request, payload).await?);
            let form = Self::parse(&bytes);
            let state = request.app_data::<web::Data<State>>();
            let own = state.is_some_and(|state| {
                csrf::is_own(&request, &state.context.management.keyring, form.raw(csrf::FIELD))
            });
            if own {
                return Ok(form);
            }
            Err(Problem::new(ProblemCode::StaleForm, "The form belongs to another sign-in, or to none."))
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_stands_twice_is_empty() {
        let form = Form::parse(b"name=+Ola+&name=Ewa&mail=a%40b.example&box=1&box=2&form_token=x");
        assert_eq!(form.raw("name"), "");
        assert_eq!(form.text("mail"), "a@b.example");
        assert_eq!(form.all("box").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.raw("absent"), "");
        assert!(form.fields().all(|(name, _)| name != csrf::FIELD));
    }

    #[test]
    fn all_errors_are_found_at_once() {
        let mut form = Form::parse(b"days=x&name=Ola");
        let days = form.read("days", |text| text.parse::<u8>().map_err(|_| "No number.".to_owned()));
        let zone = form.read("zone", |_| Err::<(), _>("Unknown.".to_owned()));
        let name = form.read("name", |text| Ok(text.to_owned()));
        assert_eq!((days, zone, name.as_deref()), (None, None, Some("Ola")));
        assert_eq!(
            (form.errors.of("days"), form.errors.of("zone"), form.errors.of("name")),
            ("No number.", "Unknown.", "")
        );
    }
}

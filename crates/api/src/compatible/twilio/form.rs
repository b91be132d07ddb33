//! The parameters of a request in Twilio's form. Parameters that Twilio does not know are ignored, as Twilio
//! does. A known parameter that this server cannot honour is refused by name.

use super::error::Refusal;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use countersign_web::body::{check_type, read};
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::future::{Ready, ready};

const FORM: &[&str] = &["application/x-www-form-urlencoded"];

/// The parameters of a body, `application/x-www-form-urlencoded`.
pub struct Form(Parameters);

/// The parameters of a query.
pub struct Query(Parameters);

impl std::ops::Deref for Form {
    type Target = Parameters;

    fn deref(&self) -> &Parameters {
        &self.0
    }
}

impl std::ops::Deref for Query {
    type Target = Parameters;

    fn deref(&self) -> &Parameters {
        &self.0
    }
}

/// Names and values, in the order of the request.
pub struct Parameters(Vec<(String, String)>);

impl FromRequest for Form {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let bytes = read(&request, payload).await?;
            if !bytes.is_empty() {
                check_type(&request, FORM)?;
            }
            let text = std::str::from_utf8(&bytes).map_err(|_| Refusal::invalid("body"))?;
            Parameters::parse(text).map(Self).ok_or_else(|| Refusal::invalid("body"))
        }
        .boxed_local()
    }
}

#[cfg(test)]
impl Query {
    pub fn of(parameters: Parameters) -> Self {
        Self(parameters)
    }
}

impl FromRequest for Query {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parameters = Parameters::parse(request.query_string());
        ready(parameters.map(Self).ok_or_else(|| Refusal::invalid("query")))
    }
}

impl Parameters {
    pub fn parse(text: &str) -> Option<Self> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text).ok()?;
        Some(Self(pairs.into_inner()))
    }

    /// The value of a parameter. An empty value counts as absent. A repeated parameter is refused, because
    /// readers differ in which value they use.
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() {
            return Err(Refusal::invalid(name));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The value of a parameter that must be present.
    pub fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name)?.ok_or_else(|| Refusal::missing(name))
    }

    /// The value read by `read`. Refuses the request if `read` returns `None`.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        self.get(name)?.map(|value| read(value).ok_or_else(|| Refusal::invalid(name))).transpose()
    }

    /// A whole number in plain digits.
    pub fn number(&self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        self.parsed(name, |text| digits(text).then(|| text.parse().ok()).flatten())
    }

    /// `true` or `false`, in upper or lower case.
    pub fn boolean(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        self.parsed(name, |text| match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// Refuses parameters that request something this server does not do. Ignoring one would silently do
    /// something else than the client wanted.
    pub fn refuse(&self, names: &[(&'static str, &'static str)]) -> Result<(), Refusal> {
        for (name, why) in names {
            if self.get(name)?.is_some() {
                return Err(Refusal::invalid_because(name, why));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_by_their_exact_names() {
        let form = Parameters::parse("To=%2B48500&A=1&Empty=&A=2&Max=07&Bad=%2B7&On=True&x=ż+y").unwrap();
        assert_eq!(form.get("To").unwrap(), Some("+48500"));
        assert_eq!(form.get("to").unwrap(), None);
        assert_eq!(form.get("Empty").unwrap(), None);
        assert_eq!(form.get("x").unwrap(), Some("ż y"));
        assert_eq!(form.number("Max").unwrap(), Some(7));
        assert_eq!(form.boolean("On").unwrap(), Some(true));
        for wrong in [form.get("A").err(), form.required("Empty").err(), form.number("Bad").err()] {
            assert_eq!(wrong.unwrap().code(), 60200);
        }
        assert!(form.refuse(&[("Other", "why")]).is_ok());
        assert!(form.refuse(&[("To", "why")]).unwrap_err().to_string().contains("To"));
    }
}

//! Names in paths.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use countersign_core::tenant::{limits::LimitName, profile::ProfileName};
use countersign_web::{body::refuse_query, problem::Problem};
use std::future::{Ready, ready};

/// A name that a tenant chose.
pub trait PathName: Sized + 'static {
    /// Reads the name; `None` if the text cannot be one.
    fn read(text: &str) -> Option<Self>;
}

impl PathName for LimitName {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl PathName for ProfileName {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// The `{name}` of the path. A text that cannot be a name gets 404.
pub struct Name<T>(pub T);

impl<T: PathName> FromRequest for Name<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = request.match_info().get("name").and_then(T::read);
        let name = name.ok_or_else(|| Problem::not_found("There is nothing with this name."));
        ready(name.and_then(|name| refuse_query(request).map(|()| Self(name))))
    }
}

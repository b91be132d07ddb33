//! Ids in paths.

use super::paths::refuse_id;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use countersign_web::{body::refuse_query, problem::Problem};
use std::{
    future::{Ready, ready},
    str::FromStr,
};

/// The `{id}` of the path. A text of another form gets 404, like an id that does not exist. The id also goes
/// into the extensions, for the log line.
pub struct Id<T>(pub T);

/// Like [`Id`], for an operation that also has a query, which [`countersign_web::body::Query`] reads.
pub struct QueriedId<T>(pub T);

impl<T: FromStr + Copy + 'static> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).and_then(|id| refuse_query(request).map(|()| Self(id))))
    }
}

impl<T: FromStr + Copy + 'static> FromRequest for QueriedId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map(Self))
    }
}

fn read<T: FromStr + Copy + 'static>(request: &HttpRequest) -> Result<T, Problem> {
    match request.match_info().get("id").and_then(|id| id.parse::<T>().ok()) {
        Some(id) => {
            request.extensions_mut().insert(id);
            Ok(id)
        }
        None => Err(refuse_id(request)),
    }
}

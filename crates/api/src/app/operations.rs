//! Every operation outside the compatible APIs. The OpenAPI document is made from the same list.

use super::system;
use crate::{access::middleware::authenticate, v1};
use actix_web::middleware::from_fn;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn operations(config: &mut ServiceConfig<'_>) {
    let v1 = utoipa_actix_web::scope("/v1").configure(v1::operations);
    config
        .service(v1.wrap(from_fn(authenticate)))
        .service(system::read_liveness)
        .service(system::read_readiness)
        .service(system::read_openapi)
        .service(system::read_docs);
}

//! The whole API as one App: its state, its OpenAPI document, health, and the receipts of providers.

mod deprecation;
mod docs;
mod openapi;
mod operations;
mod receipts;
mod strays;
mod system;

pub use openapi::{compatible_openapi, openapi};
pub use strays::{Since, Stray, Strays, warn as warn_of_strays};

use crate::{
    access::{failures::AuthFailures, key_uses::KeyUses, middleware::Door},
    compatible,
    http::paths::KnownPaths,
};
use actix_web::web;
use countersign_web::{State, deprecation::Table, form::Forms};
use deprecation::DEPRECATED;
use std::sync::Arc;
use system::Document;
use utoipa_actix_web::service_config::ServiceConfig;

/// The parts that the API uses.
#[derive(Clone)]
pub struct Api {
    /// The state that every handler uses.
    pub state: web::Data<State>,
    /// The uses of keys. The server writes them to the directory regularly.
    pub key_uses: Arc<KeyUses>,
    /// The counts of failed authentications. The server's housekeeping keeps them small.
    pub failures: Arc<AuthFailures>,
    /// Receipts that belong to no message.
    pub strays: Arc<Strays>,
}

/// Registers the whole API. The caller wraps `countersign_web::observe` around the App, and sets
/// [`fallback`](crate::fallback) as its default service.
pub fn configure(api: Api) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        let Api { state, key_uses, failures, strays } = api;
        config
            .app_data(state)
            .app_data(Forms(&compatible::FORMS))
            .app_data(Table(DEPRECATED))
            .app_data(KnownPaths(openapi::paths))
            .app_data(Document(openapi::json))
            .app_data(web::Data::new(Door { key_uses, failures }))
            .app_data(web::Data::from(strays))
            .configure(docs::configure)
            .service(receipts::resource());
        let mut config = ServiceConfig::new(config);
        operations::operations(&mut config);
        compatible::operations(&mut config);
    }
}

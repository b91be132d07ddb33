//! The whole API as one App: what it is made of, its document, health, and the receipts of providers.

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

/// What the API works with.
#[derive(Clone)]
pub struct Api {
    /// What every handler works with.
    pub state: web::Data<State>,
    /// When keys were last accepted; the server flushes it to the directory.
    pub key_uses: Arc<KeyUses>,
    /// Counts failed authentications; the server's housekeeping keeps it small.
    pub failures: Arc<AuthFailures>,
    /// Receipts that lead to nothing.
    pub strays: Arc<Strays>,
}

/// Registers the whole API. `countersign_web::observe` is wrapped around the App, and
/// [`fallback`](crate::fallback) is its default service.
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

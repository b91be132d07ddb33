//! The JSON API: authentication, reading of requests, problems, the OpenAPI
//! document.
//!
//! It must never touch a store but through the core, show a code, or put a
//! whole number or a secret into a log line. Start reading at
//! `verifications.rs`, then `auth.rs` and `problem.rs`.

mod allowlists;
mod auth;
mod camara;
mod compatible;
mod countries;
mod delivery;
mod deprecation;
mod docs;
mod failures;
mod history;
mod id;
mod key_uses;
mod keys;
mod limits;
mod name;
mod numbers;
mod openapi;
mod profiles;
mod receipts;
mod reviews;
mod smsapi;
mod strays;
mod system;
mod tenant;
mod time;
mod twilio;
mod verifications;
mod webhooks;

pub use failures::AuthFailures;
pub use key_uses::KeyUses;
pub use openapi::{compatible_openapi, fallback, openapi};
pub use strays::{Since, Stray, Strays, warn as warn_of_strays};
pub use twilio::account_sid;

use actix_web::{middleware::from_fn, web};
use auth::Door;
use countersign_web::{State, deprecation::Table, form::Forms};
use deprecation::DEPRECATED;
use std::sync::Arc;
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
/// [`fallback`] is its default service.
pub fn configure(api: Api) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        let Api { state, key_uses, failures, strays } = api;
        config
            .app_data(state)
            .app_data(Forms(&compatible::FORMS))
            .app_data(Table(DEPRECATED))
            .app_data(web::Data::new(Door { key_uses, failures }))
            .app_data(web::Data::from(strays))
            .configure(docs::configure)
            .service(receipts::resource());
        let mut config = ServiceConfig::new(config);
        routes(&mut config);
        compatible::routes(&mut config);
    }
}

/// Every operation; the document is made from the same list.
fn routes(config: &mut ServiceConfig<'_>) {
    let v1 = utoipa_actix_web::scope("/v1").configure(|v1| {
        v1.service(verifications::start_verification)
            .service(verifications::check_code)
            .service(verifications::check_code_by_number)
            .service(verifications::resend_verification)
            .service(verifications::cancel_verification)
            .service(verifications::read_verification)
            .service(history::list_verifications)
            .service(history::search_verifications)
            .service(history::read_timeline)
            .service(history::erase_number)
            .service(history::read_hourly_report)
            .service(history::read_conversion_report)
            .service(keys::create_key)
            .service(keys::list_keys)
            .service(keys::read_key)
            .service(keys::update_key)
            .service(keys::rotate_key)
            .service(keys::delete_key)
            .service(allowlists::read_api_allowlist)
            .service(allowlists::replace_api_allowlist)
            .service(allowlists::list_address_uses)
            .service(limits::list_limits)
            .service(limits::save_limit)
            .service(limits::delete_limit)
            .service(countries::read_countries)
            .service(countries::save_countries)
            .service(numbers::clear_number)
            .service(reviews::create_review_number)
            .service(reviews::list_review_numbers)
            .service(reviews::delete_review_number)
            .service(tenant::read_tenant)
            .service(tenant::update_tenant)
            .service(profiles::list_profiles)
            .service(profiles::read_profile)
            .service(profiles::save_profile)
            .service(profiles::update_profile)
            .service(profiles::delete_profile)
            .service(webhooks::create_webhook)
            .service(webhooks::list_webhooks)
            .service(webhooks::read_webhook)
            .service(webhooks::update_webhook)
            .service(webhooks::rotate_webhook)
            .service(webhooks::delete_webhook)
            .service(webhooks::ping_webhook)
            .service(webhooks::list_attempts)
            .service(webhooks::redeliver_message)
            .configure(delivery);
    });
    config
        .service(v1.wrap(from_fn(auth::authenticate)))
        .service(system::read_liveness)
        .service(system::read_readiness)
        .service(system::read_openapi)
        .service(system::read_docs);
}

/// What a tenant sets up for delivery.
fn delivery(v1: &mut ServiceConfig<'_>) {
    use delivery::{providers, routes, senders, templates};
    v1.service(providers::create_provider)
        .service(providers::list_providers)
        .service(providers::read_provider)
        .service(providers::update_provider)
        .service(providers::delete_provider)
        .service(providers::test_provider)
        .service(providers::rotate_receipts)
        .service(senders::create_sender)
        .service(senders::list_senders)
        .service(senders::delete_sender)
        .service(routes::create_route)
        .service(routes::list_routes)
        .service(routes::explain_route)
        .service(routes::read_route)
        .service(routes::update_route)
        .service(routes::delete_route)
        .service(templates::create_template)
        .service(templates::list_templates)
        .service(templates::list_default_texts)
        .service(templates::preview_template)
        .service(templates::read_template)
        .service(templates::update_template)
        .service(templates::delete_template);
}

#[cfg(test)]
mod tests;

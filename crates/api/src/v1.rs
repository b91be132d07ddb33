//! The API of `/v1`, resource by resource.

mod allowlists;
mod audit;
mod countries;
pub mod declared;
mod history;
mod hours;
mod invitations;
mod keys;
mod limits;
mod members;
mod numbers;
mod profiles;
mod providers;
mod reports;
mod reviews;
mod routes;
mod security;
mod senders;
mod shares;
mod templates;
mod tenant;
mod tenants;
mod verifications;
mod webhooks;

pub use audit::audit_line;

use countersign_web::form::Form;
use utoipa_actix_web::service_config::ServiceConfig;

/// On these paths, refusals are problems.
pub const FORM: Form = Form { segments: &["v1"], no_store: true, ..Form::PROBLEM };

/// Every operation below `/v1`.
pub fn operations(v1: &mut ServiceConfig<'_>) {
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
        .service(reports::read_hourly_report)
        .service(reports::read_conversion_report)
        .service(keys::create_key)
        .service(keys::list_keys)
        .service(keys::read_key)
        .service(keys::update_key)
        .service(keys::rotate_key)
        .service(keys::move_key)
        .service(keys::delete_key)
        .service(members::list_members)
        .service(members::read_member)
        .service(members::read_member_pool)
        .service(members::update_member)
        .service(members::delete_member)
        .service(invitations::create_invitation)
        .service(invitations::list_invitations)
        .service(invitations::read_invitation)
        .service(invitations::resend_invitation)
        .service(invitations::delete_invitation)
        .service(allowlists::read_api_allowlist)
        .service(allowlists::replace_api_allowlist)
        .service(allowlists::list_address_uses)
        .service(allowlists::read_portal_allowlist)
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
        .service(providers::create_provider)
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
        .service(templates::delete_template)
        .service(audit::list_audit)
        .service(audit::export_audit)
        .service(tenants::create_tenant)
        .service(tenants::list_tenants)
        .service(tenants::read_managed_tenant)
        .service(tenants::update_managed_tenant)
        .service(tenants::delete_tenant)
        .service(tenants::create_tenant_key)
        .service(tenants::read_tenant_portal_allowlist)
        .service(tenants::replace_tenant_portal_allowlist)
        .service(tenants::read_tenant_security)
        .service(tenants::update_tenant_security);
}

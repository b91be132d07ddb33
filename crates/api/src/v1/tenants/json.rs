//! Tenants as JSON, and the bodies of their operations.

use crate::http::values::{CountryOrAll, MOST_COUNTRIES, country};
use countersign_core::{
    phone::countries::Countries,
    tenant::{Tenant, TenantName},
};
use countersign_web::{
    fields::{Fields, array, boolean, text},
    problem::Fault,
    request,
    request::{given, required},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The item of the list `countries` that means every country.
const ALL: &str = "all";

request! {
    /// Makes a tenant.
    pub struct CreateTenant {
        /// The name that its users know: `{company}` in texts. No control characters.
        #[schema(min_length = 1, max_length = 40, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", example = "Acme")]
        name: TenantName as String = required(name),
        /// The countries that the tenant sends to, by their two capitals, or only `all`. The tenant can
        /// change them (`/v1/countries`).
        #[schema(min_items = 1, max_items = 300, example = json!(["PL", "DE"]))]
        countries: Countries as Vec<CountryOrAll> = countries,
    }
}

request! {
    /// Changes a tenant. Absent fields stay as they are.
    pub struct UpdateManagedTenant {
        /// The name that its users know. Messages contain the new name within 2 seconds. No control
        /// characters.
        #[schema(
            nullable = false,
            min_length = 1,
            max_length = 40,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
            example = "Acme"
        )]
        name: Option<TenantName> as Option<String> = given(name),
        /// While true, the server refuses the tenant's keys and sends nothing for it. `false` also restores a
        /// deleted tenant.
        #[schema(nullable = false, example = false)]
        disabled: Option<bool> = given(boolean),
    }
}

/// A tenant, as the operator sees it.
#[derive(Serialize, ToSchema)]
pub struct ManagedTenant {
    /// Its id.
    #[schema(pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "ten_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    pub id: String,
    /// The name that its users know.
    #[schema(min_length = 1, max_length = 40, example = "Acme")]
    name: String,
    /// Whether the server refuses the tenant's keys.
    disabled: bool,
    /// The time when the tenant was disabled.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    disabled_at: Option<String>,
    /// When it was deleted.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    deleted_at: Option<String>,
    /// When the erasure of a deleted tenant may begin. An erasure that has begun cannot be undone.
    #[schema(required = true, format = DateTime, example = "2026-03-02T12:00:00.000Z")]
    erased_from: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl From<Tenant> for ManagedTenant {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id.to_string(),
            name: tenant.name.as_str().to_owned(),
            disabled: tenant.disabled_at.is_some(),
            disabled_at: tenant.disabled_at.map(|at| at.to_string()),
            deleted_at: tenant.deleted_at.map(|at| at.to_string()),
            erased_from: tenant.erased_from().map(|at| at.to_string()),
            created_at: tenant.created_at.to_string(),
        }
    }
}

/// A page of tenants.
#[derive(Serialize, ToSchema)]
pub struct ManagedTenantPage {
    /// The tenants, oldest first.
    #[schema(max_items = 100)]
    data: Vec<ManagedTenant>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    next_cursor: Option<String>,
}

impl ManagedTenantPage {
    /// A page of `limit` tenants, made of up to one more, which says that another page follows.
    pub fn new(mut tenants: Vec<Tenant>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = tenants.len() > limit;
        tenants.truncate(limit);
        let next_cursor = tenants.last().filter(|_| more).map(|tenant| tenant.id.to_string());
        Self { data: tenants.into_iter().map(ManagedTenant::from).collect(), next_cursor }
    }
}

fn name(value: Value) -> Result<TenantName, Fault> {
    let fault = || Fault::format("must be 1 to 40 characters, none of them a control character");
    TenantName::parse(&text(value)?).ok_or_else(fault)
}

fn countries(fields: &mut Fields, field: &'static str) -> Option<Countries> {
    let listed = fields.required(field, |value| match array(value)? {
        listed if (1..=MOST_COUNTRIES).contains(&listed.len()) => Ok(listed),
        _ => Err(Fault::new("out_of_range", "must hold 1 to 300 countries, or `all` alone")),
    })?;
    if listed == [ALL] {
        return Some(Countries::default());
    }
    let mut only = Vec::new();
    for (place, value) in listed.into_iter().enumerate() {
        match country(value) {
            Ok(country) => only.push(country),
            Err(fault) => fields.fail(&format!("{field}[{place}]"), fault),
        }
    }
    Some(Countries::only(only))
}

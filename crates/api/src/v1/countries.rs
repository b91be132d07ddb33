//! The country list of the tenant.

use crate::access::caller::{Authed, SettingsRead, SettingsWrite, Within};
use actix_web::{
    get, put,
    web::{Data, Json},
};
use countersign_core::{
    management::countries,
    phone::{
        Country,
        countries::{Countries, CountryMode},
    },
};
use countersign_web::{
    State,
    body::{Body, Query},
    fields::{Fields, text},
    problem::{Fault, Problem},
    schema::text_enum,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{Object, Type, schema::ObjectBuilder},
};

/// `allow`: a start goes on. `block`: it is refused before any limit is taken.
pub struct Mode;

impl ToSchema for Mode {
    fn name() -> std::borrow::Cow<'static, str> {
        "CountryMode".into()
    }
}
impl utoipa::PartialSchema for Mode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text_enum(CountryMode::ALL.into_iter().map(CountryMode::as_str))
    }
}

/// The countries that the tenant sends to.
#[derive(Serialize, ToSchema)]
#[schema(as = Countries)]
pub struct CountriesBody {
    /// The rule for countries that are not listed, and for numbers without a country.
    #[schema(value_type = Mode, example = "block")]
    default: &'static str,
    /// By their two capitals (ISO 3166-1), as numbering plans divide them: Guernsey is not GB.
    #[schema(schema_with = listed_schema)]
    countries: BTreeMap<String, &'static str>,
}

fn listed_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Z]{2}$")).build();
    let modes = Some(CountryMode::ALL.map(CountryMode::as_str));
    let mode = ObjectBuilder::new().schema_type(Type::String).enum_values(modes);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(name))
        .max_properties(Some(300))
        .additional_properties(Some(mode))
        .examples([serde_json::json!({"PL": "allow", "DE": "allow"})])
        .build()
}

impl From<Countries> for CountriesBody {
    fn from(countries: Countries) -> Self {
        let one = |(country, mode): (Country, CountryMode)| (country.as_str().to_owned(), mode.as_str());
        Self {
            default: countries.default.as_str(),
            countries: countries.listed.into_iter().map(one).collect(),
        }
    }
}

/// Reads the country list.
#[utoipa::path(
    tag = "settings",
    responses((status = 200, description = "The list.", body = CountriesBody)),
    security(("key" = ["settings:read"]))
)]
#[get("/countries")]
pub async fn read_countries(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<CountriesBody>, Problem> {
    query.0.finish(Some(()))?;
    Ok(Json(countries::read_countries(&state.context, &caller)?.into()))
}

/// Replaces the country list.
///
/// A start for a country that is not allowed answers 403 `country_not_allowed`,
/// and takes nothing from any limit. The server always refuses premium-rate,
/// shared-cost and satellite numbers.
#[utoipa::path(
    tag = "settings",
    request_body = CountriesBody,
    responses((status = 200, description = "The list as it is now.", body = CountriesBody)),
    security(("key" = ["settings:write"]))
)]
#[put("/countries")]
pub async fn save_countries(
    caller: Authed<SettingsWrite>,
    state: Data<State>,
    body: Body,
) -> Result<Json<CountriesBody>, Problem> {
    let mut fields = body.0;
    let read = read(&mut fields);
    let (countries, now) = (fields.finish(read)?, state.clock.now());
    Ok(Json(countries::save_countries(&state.context, &caller, countries, &caller.change(now)).await?.into()))
}

/// Reads a country list.
pub fn read(fields: &mut Fields) -> Option<Countries> {
    let default = fields.required("default", mode);
    let object = fields.required("countries", |value| match value {
        Value::Object(object) => Ok(object),
        _ => Err(Fault::new("wrong_type", "must be an object of modes")),
    });
    let mut listed = BTreeMap::new();
    for (name, value) in object.into_iter().flatten() {
        let country =
            Country::parse(&name).ok_or(Fault::format("must be a country's two capitals, such as PL"));
        match country.and_then(|country| Ok((country, mode(value)?))) {
            Ok((country, mode)) => drop(listed.insert(country, mode)),
            Err(fault) => fields.fail(&format!("countries.{name}"), fault),
        }
    }
    default.map(|default| Countries { default, listed })
}

fn mode(value: Value) -> Result<CountryMode, Fault> {
    CountryMode::parse(&text(value)?).ok_or(Fault::format("must be allow or block"))
}

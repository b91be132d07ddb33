//! The bodies of `/v1` as `countersign apply` declares them in a file: the same readers, and the same forms to
//! compare. Here all that a body leaves out is at its default.

use crate::{
    http::values::{locale, number, profile_name, resource_name},
    v1::{
        allowlists::{allowlist, entries},
        countries::{self, CountriesBody},
        keys::{json::Key as KeyBody, read::CreateKey},
        limits::{BucketBody, SaveLimit},
        profiles::{json::Profile as ProfileBody, read::SaveProfileBody},
        providers::{json::Provider as ProviderBody, read::CreateProvider},
        routes::{json::Route as RouteBody, read::UpdateRoute},
        security::{Security as SecurityBody, UpdateSecurity},
        senders::CreateSender,
        shares::Names,
        templates::{json::Template as TemplateBody, read::CreateTemplate},
    },
};
use countersign_core::{
    access::{allowlist::Allowlist, key::Key},
    context::Management,
    delivery::{account::ProviderAccount, route::Route},
    id::TenantId,
    locale::Locale,
    management::{
        keys,
        profiles::ProfileChange,
        providers::NewProvider,
        resources::ResourceName,
        routes::RouteChange,
        templates::{Dated, TemplateChange, TextsChange},
    },
    message::{sender_text::SenderText, template::set::TemplateName},
    mode::Mode,
    phone::{Country, PhoneNumber, countries::Countries},
    tenant::{
        limits::{Buckets, LimitName},
        profile::{Profile, ProfileName},
        security::Security,
        settings::Settings,
    },
};
use countersign_web::{
    fields::{Fields, array, boolean, object, text},
    problem::Fault,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a tenant sets for all that it has; what is absent stays as it is.
pub struct TenantSettings {
    /// The countries that it sends to.
    pub countries: Option<Countries>,
    /// The language of its messages.
    pub locale: Option<Locale>,
    /// The addresses that its keys may be used from.
    pub api_allowlist: Option<Allowlist>,
    /// The addresses that its members may use the portal from.
    pub portal_allowlist: Option<Allowlist>,
    /// How its members sign in.
    pub security: Option<Security>,
}

impl TenantSettings {
    /// The stored values of the same settings.
    pub fn stored(&self, is: &Settings) -> Self {
        Self {
            countries: self.countries.as_ref().map(|_| is.countries.clone()),
            locale: self.locale.as_ref().and(is.locale.clone()),
            api_allowlist: self.api_allowlist.as_ref().map(|_| is.api_allowlist.clone()),
            portal_allowlist: self.portal_allowlist.as_ref().map(|_| is.portal_allowlist.clone()),
            security: self.security.as_ref().map(|_| is.security.clone()),
        }
    }

    /// The settings of a tenant in the form of `/v1`.
    pub fn show(&self, tenant: TenantId) -> Map<String, Value> {
        let list = |list: &Option<Allowlist>| list.as_ref().map(|list| json!(entries(list)));
        let countries = self.countries.clone().map(|countries| json!(CountriesBody::from(countries)));
        let security =
            self.security.as_ref().map(|security| json!(SecurityBody::from(security.rules(tenant))));
        let mut shown = Map::new();
        for (name, value) in [
            ("countries", countries),
            ("locale", self.locale.as_ref().map(|locale| json!(locale.to_string()))),
            ("api_allowlist", list(&self.api_allowlist)),
            ("portal_allowlist", list(&self.portal_allowlist)),
            ("security", security),
        ] {
            shown.extend(value.map(|value| (name.to_owned(), value)));
        }
        shown
    }
}

/// Reads the settings of a tenant. What `security` leaves out is at its default.
pub fn tenant_settings(fields: &mut Fields) -> TenantSettings {
    let countries = fields.optional("countries", Ok);
    let countries = countries.and_then(|value| fields.nested("countries", value, countries::read));
    let mut list = |name| {
        let entries = fields.optional(name, array);
        entries.and_then(|entries| allowlist(fields, name, entries))
    };
    let (api_allowlist, portal_allowlist) = (list("api_allowlist"), list("portal_allowlist"));
    let security = fields.optional("security", object);
    let security = security.and_then(|value| fields.nested("security", value, UpdateSecurity::read));
    let security = security.map(|asked| Security::default().with(&asked.into()));
    TenantSettings {
        countries,
        locale: fields.optional("locale", locale),
        api_allowlist,
        portal_allowlist,
        security,
    }
}

/// What may be switched off by somebody else; `None` leaves that to them.
pub type Switch = Option<bool>;

/// Reads a key without its secret, which says whether it is live.
pub fn key(fields: &mut Fields) -> Option<(keys::CreateKey, Switch)> {
    let disabled = fields.optional("disabled", boolean);
    // A key that the operator declares belongs to no member, and reaches all profiles.
    let mut asked = CreateKey::read(fields)?;
    let declared = [("profiles", asked.profiles.take().is_some()), ("company", asked.company.is_some())];
    for (field, _) in declared.into_iter().filter(|(_, given)| *given) {
        fields.fail(field, Fault::new("unknown_field", "is not known here"));
    }
    Some((asked.request(None), disabled))
}

/// Reads a limit.
pub fn limit(fields: &mut Fields) -> Option<(LimitName, Buckets)> {
    let name = fields.required("name", |value| {
        let message = "must be 1 to 32 of a-z, 0-9, _ and -";
        LimitName::parse(&text(value)?).ok_or(Fault::format(message))
    })?;
    let SaveLimit { buckets } = SaveLimit::read(fields, &name)?;
    Some((name, buckets))
}

/// Reads a profile.
pub fn profile(fields: &mut Fields) -> Option<(ProfileName, ProfileChange)> {
    let name = fields.required("name", profile_name);
    let change = SaveProfileBody::read(fields)?.into();
    Some((name?, change))
}

/// Reads a sender.
pub fn sender(fields: &mut Fields) -> Option<(SenderText, BTreeSet<Country>)> {
    let CreateSender { sender, countries } = CreateSender::read(fields)?;
    Some((sender, countries.unwrap_or_default()))
}

/// Reads a template.
pub fn template(fields: &mut Fields) -> Option<(TemplateName, TemplateChange)> {
    let (name, change): (_, TemplateChange) = CreateTemplate::read(fields)?.into();
    let all = |texts: Option<TextsChange>| Some(TextsChange { replace: true, ..texts.unwrap_or_default() });
    let (texts, transaction_texts) = (all(change.texts), all(change.transaction_texts));
    let transliterate = Some(change.transliterate.unwrap_or(false));
    Some((name, TemplateChange { name: None, texts, transaction_texts, transliterate }))
}

/// An account, and the number that a message goes to before routes lead through it.
pub struct Provider {
    /// The account.
    pub new: NewProvider,
    /// Whether the account may send messages.
    pub enabled: Switch,
    /// To whom a test message goes while the account has taken none with its settings.
    pub test_to: Option<PhoneNumber>,
}

/// Reads an account.
pub fn provider(fields: &mut Fields, management: &Management) -> Option<Provider> {
    let enabled = fields.optional("enabled", boolean);
    let test_to = fields.optional("test_to", |value| number(value, Mode::Live));
    Some(Provider { new: CreateProvider::read(fields, management)?.into(), enabled, test_to })
}

/// Reads a route, whose account is named and not numbered; the change is all that the route says.
pub fn route(fields: &mut Fields) -> Option<(ResourceName, ResourceName, RouteChange)> {
    let (name, provider) =
        (fields.required("name", resource_name), fields.required("provider", resource_name));
    let change: RouteChange = UpdateRoute::read(fields)?.into();
    let change = RouteChange {
        order: Some(change.order.unwrap_or(Route::ORDER)),
        weight: Some(change.weight.unwrap_or(Route::WEIGHT)),
        countries: Some(change.countries.unwrap_or_default()),
        prefixes: Some(change.prefixes.unwrap_or_default()),
        sender: Some(change.sender.flatten()),
        receipt_timeout: Some(change.receipt_timeout.flatten()),
        ..change
    };
    Some((name?, provider?, change))
}

/// The form of `/v1` without what its object alone decides.
fn shown(body: impl Serialize) -> Map<String, Value> {
    let Ok(Value::Object(mut shown)) = serde_json::to_value(body) else { return Map::new() };
    for own in [
        "id",
        "name",
        "created_at",
        "updated_at",
        "version",
        "last_used_at",
        "replaced_by",
        "verified_at",
        "receipts_rotated_at",
        "health",
        "shared",
    ] {
        shown.remove(own);
    }
    shown
}

/// A key: its name is a field like others, for its id tells it from them.
pub fn show_key(key: &Key) -> Map<String, Value> {
    let mut shown = shown(KeyBody::new(key.clone(), &Names::default()));
    for of_members in ["member", "profiles"] {
        shown.remove(of_members);
    }
    shown.insert("name".to_owned(), key.name.as_str().into());
    shown
}

/// The buckets of a limit.
pub fn show_limit(buckets: &Buckets) -> Map<String, Value> {
    Map::from_iter([("buckets".to_owned(), json!(BucketBody::list(buckets)))])
}

/// A profile.
pub fn show_profile(profile: &Profile) -> Map<String, Value> {
    shown(ProfileBody::from(profile.clone()))
}

/// The countries of a sender.
pub fn show_sender(countries: &BTreeSet<Country>) -> Map<String, Value> {
    let list = countries.iter().map(Country::as_str).collect::<Vec<_>>();
    Map::from_iter([("countries".to_owned(), json!(list))])
}

/// A template.
pub fn show_template(template: Dated) -> Map<String, Value> {
    shown(TemplateBody::from(template))
}

/// An account, without secrets.
pub fn show_provider(account: &ProviderAccount) -> Map<String, Value> {
    shown(ProviderBody::own(account, None))
}

/// A route, with the id of its account.
pub fn show_route(route: &Route) -> Map<String, Value> {
    shown(RouteBody::from(route))
}

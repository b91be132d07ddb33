//! What the file declares. Its bodies are those of `/v1`.

use super::source::Source;
use countersign_api::declared::{self, Provider, Switch, TenantSettings};
use countersign_core::{
    access::key::{MOST_KEYS, PresentedKey},
    context::Management,
    id::TenantId,
    management::{
        keys::CreateKey,
        profiles::{MOST_PROFILES, ProfileChange},
        resources::ResourceName,
        routes::RouteChange,
        templates::TemplateChange,
    },
    message::{sender_text::SenderText, template::set::TemplateName},
    mode::Mode,
    phone::Country,
    tenant::{
        TenantName,
        limits::{Buckets, LimitName, LimitScope},
        profile::ProfileName,
        resource::ResourceKind,
        settings::Settings,
        system::is_system,
    },
};
use countersign_web::{
    fields::{Fields, array, text},
    problem::Fault,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// Most tenants of one file.
const MOST_TENANTS: usize = 1_000;

/// Most limits of a tenant: the built-in ones and its own.
const MOST_LIMITS: usize = LimitScope::NAMED.len() + Settings::MOST_LIMITS as usize;

const fn most(kind: ResourceKind) -> usize {
    kind.most() as usize
}

/// The whole file.
pub(super) struct Document {
    /// Names the file among others: what it makes is its own.
    pub source: String,
    pub tenants: Vec<Placed<TenantBody>>,
    /// The operator's own.
    pub providers: Vec<Placed<(Provider, Share)>>,
    pub routes: Vec<Placed<RouteBody>>,
}

/// Something and where it stands: `tenants[0].routes[1]`.
pub(super) struct Placed<T> {
    pub place: String,
    pub value: T,
}

pub(super) struct TenantBody {
    pub name: TenantName,
    pub id: Option<TenantId>,
    pub settings: TenantSettings,
    pub limits: Vec<Placed<(LimitName, Buckets)>>,
    pub profiles: Vec<Placed<(ProfileName, ProfileChange)>>,
    pub senders: Vec<Placed<(SenderText, BTreeSet<Country>)>>,
    pub templates: Vec<Placed<(TemplateName, TemplateChange)>>,
    pub keys: Vec<Placed<KeyBody>>,
    pub providers: Vec<Placed<(Provider, Share)>>,
    pub routes: Vec<Placed<RouteBody>>,
}

pub(super) struct KeyBody {
    pub new: CreateKey,
    pub disabled: Switch,
    pub presented: PresentedKey,
}

pub(super) struct RouteBody {
    pub name: ResourceName,
    pub provider: ResourceName,
    pub change: RouteChange,
}

/// With whom an account of the operator is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// It is a tenant's, or nobody is named.
    No,
    All,
    /// Tenants by name or id.
    With(BTreeSet<String>),
}

/// The document, or all that is wrong with it.
pub(super) fn read(source: Source, management: &Management) -> Result<Document, Vec<String>> {
    let mut faults = source.faults;
    // A reference that leads nowhere is said once.
    let said: HashSet<String> =
        faults.iter().filter_map(|fault| Some(fault.split_once(": ")?.0.to_owned())).collect();
    let mut fields = Fields::from_object(source.values);
    let document = read_document(&mut fields, management);
    match fields.finish_all(document) {
        Ok(document) => {
            faults.extend(twice(&document));
            if faults.is_empty() { Ok(document) } else { Err(faults) }
        }
        Err(errors) => {
            let others = errors.into_iter().filter(|error| !said.contains(&error.field));
            faults.extend(others.map(|error| format!("{}: {}", error.field, error.message)));
            Err(faults)
        }
    }
}

fn read_document(fields: &mut Fields, management: &Management) -> Option<Document> {
    let source = fields.required("name", |value| {
        let name = text(value)?;
        let fault = Fault::format("must be 1 to 32 of a-z, 0-9 and hyphen");
        ResourceName::parse(&name).map(|_| name).ok_or(fault)
    });
    let tenants =
        each(fields, "", ("tenants", MOST_TENANTS), |fields, place| tenant(fields, place, management));
    let providers = each(fields, "", ("providers", most(ResourceKind::Provider)), |fields, _| {
        let share = fields.optional("share", share).unwrap_or(Share::No);
        Some((declared::provider(fields, management)?, share))
    });
    let routes = each(fields, "", ("routes", most(ResourceKind::Route)), |fields, _| route(fields));
    Some(Document { source: source?, tenants, providers, routes })
}

fn tenant(fields: &mut Fields, place: &str, management: &Management) -> Option<TenantBody> {
    let name = fields.required("name", |value| {
        TenantName::parse(&text(value)?).ok_or(Fault::format("must be 1 to 40 printable characters"))
    });
    let id = fields.optional("id", |value| {
        let id = text(value)?.parse().ok().filter(|id| !is_system(*id));
        id.ok_or(Fault::format("must be the id of a tenant: ten_ and 26 characters"))
    });
    let settings = declared::tenant_settings(fields);
    let at = format!("{place}.");
    Some(TenantBody {
        id,
        settings,
        limits: each(fields, &at, ("limits", MOST_LIMITS), |fields, _| declared::limit(fields)),
        profiles: each(fields, &at, ("profiles", MOST_PROFILES as usize), |fields, _| {
            declared::profile(fields)
        }),
        senders: each(fields, &at, ("senders", most(ResourceKind::Sender)), |fields, _| {
            declared::sender(fields)
        }),
        templates: each(fields, &at, ("templates", most(ResourceKind::Template)), |fields, _| {
            declared::template(fields)
        }),
        keys: each(fields, &at, ("keys", MOST_KEYS as usize), |fields, _| key(fields)),
        providers: each(fields, &at, ("providers", most(ResourceKind::Provider)), |fields, _| {
            Some((declared::provider(fields, management)?, Share::No))
        }),
        routes: each(fields, &at, ("routes", most(ResourceKind::Route)), |fields, _| route(fields)),
        name: name?,
    })
}

/// Reads each object of a list; `at` is in front of the name of the list.
fn each<T>(
    fields: &mut Fields,
    at: &str,
    (name, most): (&str, usize),
    mut read: impl FnMut(&mut Fields, &str) -> Option<T>,
) -> Vec<Placed<T>> {
    let values = fields.optional(name, |value| match array(value)? {
        values if values.len() <= most => Ok(values),
        _ => Err(Fault::new("too_long", format!("must have at most {most} entries"))),
    });
    let mut all = Vec::new();
    for (n, value) in values.into_iter().flatten().enumerate() {
        let place = format!("{name}[{n}]");
        let whole = format!("{at}{place}");
        let read = fields.nested(&place, value, |fields| read(fields, &whole));
        all.extend(read.map(|value| Placed { place: whole, value }));
    }
    all
}

fn key(fields: &mut Fields) -> Option<KeyBody> {
    let presented = fields.required("secret", |value| {
        let message = "must be the text of a key, as `countersign key generate` prints it";
        PresentedKey::parse(&text(value)?).ok_or(Fault::format(message))
    });
    let mode = fields.optional("mode", text);
    let (mut new, disabled) = declared::key(fields)?;
    let presented = presented?;
    if mode.as_deref().is_some_and(|mode| Mode::parse(mode) != Some(presented.mode)) {
        fields.fail("mode", Fault::format("is not that of the secret"));
    }
    new.mode = presented.mode;
    Some(KeyBody { new, disabled, presented })
}

fn route(fields: &mut Fields) -> Option<RouteBody> {
    let (name, provider, change) = declared::route(fields)?;
    Some(RouteBody { name, provider, change })
}

fn share(value: Value) -> Result<Share, Fault> {
    let fault = || Fault::new("wrong_type", "must be \"all\", or an array of names or ids of tenants");
    match value {
        Value::String(all) if all == "all" => Ok(Share::All),
        Value::Array(list) => {
            let names = list.into_iter().map(|one| text(one).map_err(|_| fault()));
            Ok(Share::With(names.collect::<Result<_, _>>()?))
        }
        _ => Err(fault()),
    }
}

/// Names that stand twice where one counts.
fn twice(document: &Document) -> Vec<String> {
    let mut faults = Vec::new();
    distinct(&mut faults, &document.providers, "name", |(provider, _)| provider.new.name.as_str().to_owned());
    distinct(&mut faults, &document.routes, "name", |route| route.name.as_str().to_owned());
    for Placed { value: tenant, .. } in &document.tenants {
        distinct(&mut faults, &tenant.limits, "name", |(name, _)| name.as_str().to_owned());
        distinct(&mut faults, &tenant.profiles, "name", |(name, _)| name.as_str().to_owned());
        distinct(&mut faults, &tenant.senders, "sender", |(sender, _)| sender.as_str().to_owned());
        distinct(&mut faults, &tenant.templates, "name", |(name, _)| name.as_str().to_owned());
        distinct(&mut faults, &tenant.providers, "name", |(provider, _)| {
            provider.new.name.as_str().to_owned()
        });
        distinct(&mut faults, &tenant.routes, "name", |route| route.name.as_str().to_owned());
    }
    let keys: Vec<_> = document.tenants.iter().flat_map(|tenant| &tenant.value.keys).collect();
    let mut seen = HashSet::new();
    let again = keys.into_iter().filter(|key| !seen.insert(key.value.presented.id));
    faults.extend(again.map(|key| format!("{}.secret: is that of another key of this file", key.place)));
    faults
}

fn distinct<T>(faults: &mut Vec<String>, all: &[Placed<T>], field: &str, name: impl Fn(&T) -> String) {
    let mut seen = HashSet::new();
    let again = all.iter().filter(|one| !seen.insert(name(&one.value)));
    faults.extend(again.map(|one| format!("{}.{field}: stands twice", one.place)));
}

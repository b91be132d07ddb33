//! Management of templates: create, change, delete, preview.

use crate::{
    access::{actor::Actor, change::Change},
    acts::shares,
    context::Replica,
    id::{TemplateId, TenantId},
    locale::Locale,
    management::resources::{Made, ResourceError, create, delete, list, made_before, read, update},
    message::{
        Preview, preview,
        template::{
            Template,
            set::{TemplateName, TemplateSet},
        },
    },
    ports::gateways::SettingFault,
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
    verification::idempotency::Once,
};
use rand::CryptoRng;
use std::collections::BTreeMap;

fn resource(set: &TemplateSet, tenant: TenantId, times: (Timestamp, Timestamp)) -> Resource {
    Resource {
        tenant,
        kind: ResourceKind::Template,
        id: *set.id.bytes(),
        name: set.name.as_str().to_owned(),
        body: set.to_json().to_string(),
        sealed: None,
        version: set.version.into(),
        created_at: times.0,
        updated_at: times.1,
    }
}

/// A template set, with the times of its creation and of its last change.
pub type Dated = (TemplateSet, Timestamp, Timestamp);

fn dated(resource: &Resource) -> Result<Dated, ResourceError> {
    let set = TemplateSet::read(resource).ok_or(ResourceError::Unreadable)?;
    Ok((set, resource.created_at, resource.updated_at))
}

/// The template sets of the tenant in the actor's share, oldest first.
pub async fn list_templates(replica: &Replica, actor: &Actor) -> Result<Vec<Dated>, ResourceError> {
    let shared = shares::templates(replica, actor)?;
    let found = list(replica, actor.tenant, ResourceKind::Template).await?;
    let mut sets = found.iter().map(dated).collect::<Result<Vec<_>, _>>()?;
    sets.retain(|(set, ..)| shared.admits(&set.id));
    Ok(sets)
}

/// A template set of the tenant in the actor's share.
pub async fn read_template(replica: &Replica, actor: &Actor, id: TemplateId) -> Result<Dated, ResourceError> {
    judge(replica, actor, id)?;
    dated(&read(replica, actor.tenant, ResourceKind::Template, *id.bytes()).await?)
}

/// Refuses a template outside of the actor's share, as if there were none.
fn judge(replica: &Replica, actor: &Actor, id: TemplateId) -> Result<(), ResourceError> {
    let shared = shares::templates(replica, actor)?.admits(&id);
    if shared { Ok(()) } else { Err(ResourceError::NotFound(ResourceKind::Template)) }
}

/// The fields of a new template set, or of a change. `None` means the default for a new set, and no change
/// otherwise.
#[derive(Clone, Debug, Default)]
pub struct TemplateChange {
    pub name: Option<TemplateName>,
    /// Plain texts.
    pub texts: Option<TextsChange>,
    /// Texts for payments.
    pub transaction_texts: Option<TextsChange>,
    /// Whether letters outside the GSM alphabet are replaced if possible.
    pub transliterate: Option<bool>,
}

/// A change of the texts of one kind.
#[derive(Clone, Debug, Default)]
pub struct TextsChange {
    /// Whether the existing texts are removed first.
    pub replace: bool,
    /// For each locale, `Some` sets its text and `None` removes it.
    pub texts: BTreeMap<Locale, Option<Template>>,
}

impl TextsChange {
    fn apply(self, to: &mut BTreeMap<Locale, Template>) {
        if self.replace {
            to.clear();
        }
        for (locale, text) in self.texts {
            match text {
                Some(text) => drop(to.insert(locale, text)),
                None => drop(to.remove(&locale)),
            }
        }
    }
}

impl TemplateChange {
    /// Gives a template set what it says, unless nothing or too much would be left in it.
    pub fn apply(self, set: &mut TemplateSet) -> Result<(), ResourceError> {
        set.name = self.name.unwrap_or_else(|| set.name.clone());
        self.texts.unwrap_or_default().apply(&mut set.texts);
        self.transaction_texts.unwrap_or_default().apply(&mut set.transaction_texts);
        set.transliterate = self.transliterate.unwrap_or(set.transliterate);
        let mut faults = Vec::new();
        let mut fault = |field: &str, message| {
            faults.push(SettingFault { field: field.to_owned(), message });
        };
        for (field, texts) in [("texts", &set.texts), ("transaction_texts", &set.transaction_texts)] {
            if texts.len() > TemplateSet::MOST {
                fault(field, format!("must hold at most {} locales", TemplateSet::MOST));
            }
        }
        if set.texts.is_empty() && set.transaction_texts.is_empty() {
            fault("texts", "must hold at least one text".to_owned());
        }
        if faults.is_empty() { Ok(()) } else { Err(ResourceError::Fields(faults)) }
    }
}

/// Creates a template set.
pub async fn create_template(
    replica: &Replica,
    actor: &Actor,
    (name, change): (TemplateName, TemplateChange),
    once: Option<&Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Made<Dated>, ResourceError> {
    let tenant = actor.live_tenant()?;
    // An actor with a list of templates could not use the new one.
    actor.profiles.demand(None)?;
    shares::templates(replica, actor)?.demand(None)?;
    let mut set = TemplateSet {
        id: TemplateId::new(by.at, rng),
        name,
        version: 1,
        texts: BTreeMap::new(),
        transaction_texts: BTreeMap::new(),
        transliterate: false,
    };
    change.apply(&mut set)?;
    let place = (tenant, ResourceKind::Template, set.name.as_str());
    if let Some(first) = made_before(replica, place, once, by.at).await? {
        return Ok(Made { value: dated(&first)?, before: true });
    }
    match create(replica, &resource(&set, tenant, (by.at, by.at)), &[], once, by).await? {
        Some(first) => Ok(Made { value: dated(&first)?, before: true }),
        None => Ok(Made::now((set, by.at, by.at))),
    }
}

/// Changes a template set.
pub async fn update_template(
    replica: &Replica,
    actor: &Actor,
    id: TemplateId,
    change: TemplateChange,
    by: &Change,
) -> Result<Dated, ResourceError> {
    let tenant = actor.live_tenant()?;
    // A template serves each profile, so an actor with a list of profiles changes none.
    actor.profiles.demand(None)?;
    let (mut set, created_at, _) = read_template(replica, actor, id).await?;
    change.apply(&mut set)?;
    set.version = set.version.saturating_add(1);
    update(replica, &resource(&set, tenant, (created_at, by.at)), &[], by).await?;
    Ok((set, created_at, by.at))
}

/// Shows a template with the tenant's name and sample values.
pub fn preview_template(
    replica: &Replica,
    actor: &Actor,
    template: &Template,
    gsm: bool,
) -> Result<Preview, ResourceError> {
    Ok(preview(template, gsm, &replica.tenant_view(actor.tenant)?.tenant.name))
}

/// Deletes a template set. Verifications that name it continue with the shipped texts.
pub async fn delete_template(
    replica: &Replica,
    actor: &Actor,
    id: TemplateId,
    by: &Change,
) -> Result<(), ResourceError> {
    let tenant = actor.live_tenant()?;
    actor.profiles.demand(None)?;
    judge(replica, actor, id)?;
    delete(replica, tenant, (ResourceKind::Template, *id.bytes()), &[], by).await
}

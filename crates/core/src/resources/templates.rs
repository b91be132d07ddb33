//! Templates: make, change, delete, preview.

use super::{ResourceError, create, delete, list, read, update};
use crate::{
    Caller, Context,
    gateway::SettingFault,
    id::{TemplateId, TenantId},
    idempotency::Once,
    resource::{Resource, ResourceKind},
    template::{FieldErrors, TemplateSet},
    time::Timestamp,
};
use rand::CryptoRng;
use serde_json::Value;

fn faults(errors: FieldErrors) -> ResourceError {
    let fault = |(field, message)| SettingFault { field, message };
    ResourceError::Fields(errors.into_iter().map(fault).collect())
}

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

/// A template set and when it was made and last changed.
pub type Dated = (TemplateSet, Timestamp, Timestamp);

fn dated(resource: &Resource) -> Result<Dated, ResourceError> {
    let set = TemplateSet::read(resource).ok_or(ResourceError::Unreadable)?;
    Ok((set, resource.created_at, resource.updated_at))
}

/// The template sets of the tenant, oldest first.
pub async fn list_templates(context: &Context, caller: &Caller) -> Result<Vec<Dated>, ResourceError> {
    let found = list(context, caller.tenant, ResourceKind::Template).await?;
    found.iter().map(dated).collect()
}

/// A template set of the tenant.
pub async fn read_template(
    context: &Context,
    caller: &Caller,
    id: TemplateId,
) -> Result<Dated, ResourceError> {
    dated(&read(context, caller.tenant, ResourceKind::Template, *id.bytes()).await?)
}

/// Makes a template set from its JSON.
pub async fn create_template(
    context: &Context,
    caller: &Caller,
    body: Value,
    once: Option<&Once>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Dated, ResourceError> {
    caller.refuse_test()?;
    let set = TemplateSet::from_json(TemplateId::new(now, rng), 1, body).map_err(faults)?;
    create(context, &resource(&set, caller.tenant, (now, now)), once).await?;
    Ok((set, now, now))
}

/// Changes a template set by a merge patch of its JSON.
pub async fn update_template(
    context: &Context,
    caller: &Caller,
    id: TemplateId,
    patch: Value,
    now: Timestamp,
) -> Result<Dated, ResourceError> {
    caller.refuse_test()?;
    let (old, created_at, _) = read_template(context, caller, id).await?;
    let mut body = old.to_json();
    merge(&mut body, patch);
    let set = TemplateSet::from_json(id, old.version.saturating_add(1), body).map_err(faults)?;
    update(context, &resource(&set, caller.tenant, (created_at, now))).await?;
    Ok((set, created_at, now))
}

/// JSON Merge Patch (RFC 7396), with objects two deep at most.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Deletes a template set. Verifications that name it go on with the shipped texts.
pub async fn delete_template(
    context: &Context,
    caller: &Caller,
    id: TemplateId,
    now: Timestamp,
) -> Result<(), ResourceError> {
    delete(context, caller, ResourceKind::Template, *id.bytes(), now).await
}

//! Management of a tenant's settings (limits and language), and of its phone numbers.

use crate::{
    access::{
        actor::{Actor, LiveByTest},
        change::Change,
    },
    acts::recorded::{Unrecorded, recorded},
    context::{Context, Replica},
    locale::Locale,
    phone::PhoneNumber,
    ports::error::StoreError,
    snapshot::view::TenantView,
    tenant::system::Part,
    tenant::{
        limits::{Buckets, LimitName, LimitScope},
        settings::{Setting, Settings},
    },
};
use serde_json::json;
use std::sync::Arc;

/// Why a setting was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The tenant has no limit with this name.
    #[error("no such limit")]
    NotFound,
    /// A test key tried to change a setting.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// A limit in its present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub name: LimitName,
    /// The buckets; `None` if nothing is limited.
    pub buckets: Option<Buckets>,
    /// Whether this is the default, because the tenant has set nothing else.
    pub is_default: bool,
}

/// All limits: the built-in ones, then those that the tenant named.
pub fn list_limits(replica: &Replica, actor: &Actor) -> Result<Vec<Limit>, SettingError> {
    let settings = &replica.tenant_view(actor.tenant)?.settings;
    let built_in = LimitScope::NAMED.into_iter().filter_map(|scope| LimitName::parse(scope.as_str()));
    let named = settings.limits.keys().filter(|name| name.scope() == LimitScope::Caller).cloned();
    Ok(built_in.chain(named).map(|name| limit(settings, name)).collect())
}

fn limit(settings: &Settings, name: LimitName) -> Limit {
    let own = settings.limits.get(&name).cloned();
    let is_default = own.is_none();
    Limit { buckets: own.or_else(|| name.scope().default_buckets()), name, is_default }
}

/// Sets the buckets of a limit.
pub async fn save_limit(
    replica: &Replica,
    actor: &Actor,
    name: LimitName,
    buckets: Buckets,
    by: &Change,
) -> Result<Limit, SettingError> {
    actor.refuse_test()?;
    let setting = Setting::Limit(name.clone(), Some(buckets.clone()));
    save(replica, actor, &setting, by).await?;
    Ok(Limit { name, buckets: Some(buckets), is_default: false })
}

/// Resets a built-in limit to its default, or deletes a limit that the tenant named.
pub async fn delete_limit(
    replica: &Replica,
    actor: &Actor,
    name: LimitName,
    by: &Change,
) -> Result<(), SettingError> {
    actor.refuse_test()?;
    match save(replica, actor, &Setting::Limit(name, None), by).await {
        Err(SettingError::Directory(StoreError::Conflict)) => Err(SettingError::NotFound),
        outcome => outcome,
    }
}

/// The actor's own tenant with its settings.
pub fn read_tenant(replica: &Replica, actor: &Actor) -> Result<Arc<TenantView>, SettingError> {
    Ok(replica.tenant_view(actor.tenant)?)
}

/// Sets the locale of the tenant's messages. A start may choose another one.
pub async fn save_locale(
    replica: &Replica,
    actor: &Actor,
    locale: Option<Locale>,
    by: &Change,
) -> Result<(), SettingError> {
    actor.refuse_test()?;
    save(replica, actor, &Setting::Locale(locale), by).await
}

pub(super) async fn save(
    replica: &Replica,
    actor: &Actor,
    setting: &Setting,
    by: &Change,
) -> Result<(), SettingError> {
    replica.permit(actor.tenant, Part::Settings)?;
    replica.directory.save_setting(actor.tenant, setting, by).await?;
    replica.catch_up().await;
    Ok(())
}

/// Resets the count of wrong codes for a phone number, and ends its wait. Returns the old count.
pub async fn clear_number(
    context: &Context,
    actor: &Actor,
    to: &PhoneNumber,
    by: &Change,
) -> Result<u16, SettingError> {
    context.permit(actor.tenant, Part::verifications(actor))?;
    let number = context.keyring.fingerprint(actor.tenant, to);
    let act = async {
        let wrong = context.codes.clear_guesses(actor.tenant, actor.mode, number).await?;
        Ok((wrong, json!({ "wrong_codes": wrong })))
    };
    let masked = to.masked();
    let cleared = recorded(context, actor.tenant, ("number.clear", &masked), by, act);
    cleared.await.map_err(|error| match error {
        Unrecorded::NotBegun(error) => SettingError::Directory(error),
        Unrecorded::Failed(error) => SettingError::Codes(error),
    })
}

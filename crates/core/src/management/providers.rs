//! Management of accounts at providers: create, change, test, delete.

use crate::{
    access::change::Change,
    acts::{receipts::bind_message, ways::operator},
    context::{Context, Management, Replica},
    delivery::{
        account::{ProviderAccount, ReceiptPath, Shared},
        route::Route,
        sender::choose,
    },
    id::{ProviderId, TenantId},
    management::resources::{
        Made, ResourceError, ResourceName, create, delete, in_rounds, list, made_before, read, update,
    },
    phone::PhoneNumber,
    ports::{
        codes::outbox::Outbox,
        gateways::{SettingFault, Trial, TrialOutcome},
    },
    tenant::{
        OPERATOR,
        limits::{Bucket, LimitHit, LimitScope, Take},
        resource::{Basis, Resource, ResourceKind},
    },
    verification::{
        idempotency::Once,
        receipt::{ProviderMessage, digest},
    },
};
use rand::CryptoRng;
use serde_json::Value;
use std::sync::Arc;

/// The request to create an account.
#[derive(Clone, Debug)]
pub struct NewProvider {
    pub name: ResourceName,
    pub kind: String,
    /// The settings, including secrets.
    pub settings: Value,
    /// The maximum number of messages a second.
    pub rate: Option<u32>,
    /// The other tenants that may use it. Only the operator can set this.
    pub shared: Shared,
}

/// A change of an account.
#[derive(Clone, Debug, Default)]
pub struct ProviderChange {
    /// A new name.
    pub name: Option<ResourceName>,
    /// Whether messages may go through the account.
    pub enabled: Option<bool>,
    /// A merge patch for its settings.
    pub settings: Option<Value>,
    /// A new rate; `Some(None)` removes it.
    pub rate: Option<Option<u32>>,
    /// Who else may use it; the operator's word.
    pub shared: Option<Shared>,
}

impl ProviderChange {
    fn apply(
        &self,
        management: &Management,
        account: &mut ProviderAccount,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ResourceError> {
        if let Some(patch) = &self.settings {
            let old = account.open(&management.keyring).ok_or(ResourceError::Unreadable)?;
            let settings =
                management.gateways.update(&account.kind, &old, patch).map_err(ResourceError::Fields)?;
            management.gateways.check(&account.kind, &settings).map_err(ResourceError::Fields)?;
            if settings != old {
                account.verified_at = None;
            }
            account.shown = management.gateways.redact(&account.kind, &settings);
            let of = (account.tenant, account.id);
            account.sealed = ProviderAccount::seal(&management.keyring, of, &settings, rng);
        }
        if let Some(name) = &self.name {
            name.as_str().clone_into(&mut account.name);
        }
        account.enabled = self.enabled.unwrap_or(account.enabled);
        account.rate = self.rate.unwrap_or(account.rate);
        account.shared = self.shared.clone().unwrap_or_else(|| std::mem::take(&mut account.shared));
        Ok(())
    }
}

fn account_of(resource: Resource) -> Result<ProviderAccount, ResourceError> {
    ProviderAccount::read(resource).ok_or(ResourceError::Unreadable)
}

/// The tenant's accounts.
pub async fn list_providers(
    replica: &Replica,
    tenant: TenantId,
) -> Result<Vec<ProviderAccount>, ResourceError> {
    let found = list(replica, tenant, ResourceKind::Provider).await?;
    found.into_iter().map(account_of).collect()
}

/// The operator's accounts that a tenant may use.
pub fn shared_providers(replica: &Replica, tenant: TenantId) -> Vec<Arc<ProviderAccount>> {
    let Some(operator) = operator(&replica.snapshot) else { return Vec::new() };
    operator.providers.iter().filter(|account| account.serves(tenant)).cloned().collect()
}

/// One of the operator's accounts, if the tenant may use it.
pub fn shared_provider(replica: &Replica, tenant: TenantId, id: ProviderId) -> Option<Arc<ProviderAccount>> {
    shared_providers(replica, tenant).into_iter().find(|account| account.id == id)
}

/// Checks the settings of a kind. Returns all errors, so that the caller can report them with others.
pub fn check_settings(
    management: &Management,
    kind: &str,
    settings: &Value,
) -> Result<(), Vec<SettingFault>> {
    management.gateways.check(kind, settings)
}

/// An account of the tenant.
pub async fn read_provider(
    replica: &Replica,
    tenant: TenantId,
    id: ProviderId,
) -> Result<ProviderAccount, ResourceError> {
    account_of(read(replica, tenant, ResourceKind::Provider, *id.bytes()).await?)
}

/// Creates an account of a tenant, or of the operator.
pub async fn create_provider(
    management: &Management,
    tenant: TenantId,
    new: NewProvider,
    once: Option<&Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Made<ProviderAccount>, ResourceError> {
    let place = (tenant, ResourceKind::Provider, new.name.as_str());
    if let Some(first) = made_before(management, place, once, by.at).await? {
        return Ok(Made { value: account_of(first)?, before: true });
    }
    management.gateways.check(&new.kind, &new.settings).map_err(ResourceError::Fields)?;
    let id = ProviderId::new(by.at, rng);
    let account = ProviderAccount {
        id,
        tenant,
        name: new.name.as_str().to_owned(),
        enabled: true,
        rate: new.rate,
        shared: new.shared,
        verified_at: None,
        shown: management.gateways.redact(&new.kind, &new.settings),
        sealed: ProviderAccount::seal(&management.keyring, (tenant, id), &new.settings, rng),
        kind: new.kind,
        receipts: ReceiptPath::default(),
        version: 1,
        created_at: by.at,
    };
    match create(management, &account.resource(by.at), &[], once, by).await? {
        Some(first) => Ok(Made { value: account_of(first)?, before: true }),
        None => Ok(Made::now(account)),
    }
}

/// Changes an account. After a change of its settings, it must be tested again.
pub async fn update_provider(
    management: &Management,
    tenant: TenantId,
    id: ProviderId,
    change: ProviderChange,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<ProviderAccount, ResourceError> {
    in_rounds(ResourceKind::Provider, async || {
        let mut account = read_provider(management, tenant, id).await?;
        let mut basis = match change.enabled {
            Some(false) => vec![refuse_used(management, tenant, id).await?],
            _ => Vec::new(),
        };
        change.apply(management, &mut account, rng)?;
        if let Some(shared) = &change.shared {
            basis.push(refuse_shared(management, id, |tenant| !shared.covers(tenant)).await?);
        }
        account.version += 1;
        update(management, &account.resource(by.at), &basis, by).await?;
        Ok(account)
    })
    .await
}

/// Deletes an account that no enabled route uses: no route of the tenant, and none of a tenant with whom the
/// operator shares it.
pub async fn delete_provider(
    replica: &Replica,
    tenant: TenantId,
    id: ProviderId,
    by: &Change,
) -> Result<(), ResourceError> {
    in_rounds(ResourceKind::Provider, async || {
        let mut basis = vec![refuse_used(replica, tenant, id).await?];
        if tenant == OPERATOR {
            basis.push(refuse_shared(replica, id, |_| true).await?);
        }
        delete(replica, tenant, (ResourceKind::Provider, *id.bytes()), &basis, by).await
    })
    .await
}

/// Refuses an account that an enabled route of its tenant uses.
async fn refuse_used(replica: &Replica, tenant: TenantId, id: ProviderId) -> Result<Basis, ResourceError> {
    let routes = list(replica, tenant, ResourceKind::Route).await?;
    let basis = Basis::kind(tenant, ResourceKind::Route, &routes);
    let routes = routes.into_iter().filter_map(Route::read);
    let used: Vec<_> =
        routes.filter(|route| route.enabled && route.provider == id).map(|route| route.name).collect();
    if used.is_empty() { Ok(basis) } else { Err(ResourceError::InUse(used)) }
}

/// Refuses an account of the operator that an enabled route of a tenant leads through who would lose it.
async fn refuse_shared(
    replica: &Replica,
    id: ProviderId,
    loses: impl Fn(TenantId) -> bool,
) -> Result<Basis, ResourceError> {
    replica.refresh().await?;
    let seen = replica.snapshot.seen();
    let uses = |route: &Arc<Route>| route.enabled && route.provider == id;
    let tenants = replica.snapshot.tenants();
    let used: Vec<_> = tenants
        .iter()
        .filter(|view| view.tenant.id != OPERATOR && loses(view.tenant.id) && view.routes.iter().any(uses))
        .map(|view| view.tenant.id.to_string())
        .collect();
    if used.is_empty() { Ok(Basis::Everything(seen)) } else { Err(ResourceError::InUseBy(used)) }
}

/// Gives an account a new path for its receipts. The previous path works for one more day. A repeated request
/// within a minute changes nothing.
pub async fn renew_receipts(
    replica: &Replica,
    tenant: TenantId,
    id: ProviderId,
    by: &Change,
) -> Result<ProviderAccount, ResourceError> {
    let mut account = read_provider(replica, tenant, id).await?;
    let renewed = account.receipts.renewed(by.at);
    if renewed != account.receipts {
        account.receipts = renewed;
        account.version += 1;
        update(replica, &account.resource(by.at), &[], by).await?;
    }
    Ok(account)
}

/// The limit of test messages of a tenant. Each costs the tenant an SMS.
const TRIALS: [Bucket; 2] = [Bucket::new(5, 60), Bucket::new(50, 86_400)];

/// Counts a test message against the tenant's limit.
pub async fn take_trial(context: &Context, tenant: TenantId, id: ProviderId) -> Result<(), ResourceError> {
    read_provider(context, tenant, id).await?;
    for bucket in TRIALS {
        let name = bucket.name("provider_test");
        let key = digest(b"provider test", &[tenant.bytes(), name.as_bytes()]);
        let take = Take { key, name: name.clone(), scope: LimitScope::Tenant, bucket };
        let wait = context.codes.take(take).await.map_err(ResourceError::Codes)?;
        if !wait.is_zero() {
            let scope = LimitScope::Tenant.as_str();
            return Err(ResourceError::Limited(LimitHit {
                name,
                scope,
                retry_after: wait,
                states: Vec::new(),
            }));
        }
    }
    Ok(())
}

/// Sends one test message through an account of the tenant, and marks the account as verified if the provider
/// accepts it. `outbox` saves the provider's id of the message; a command, which has no codes store, passes
/// none.
pub async fn test_provider(
    management: &Management,
    outbox: Option<&dyn Outbox>,
    tenant: TenantId,
    id: ProviderId,
    to: PhoneNumber,
    by: &Change,
) -> Result<TrialOutcome, ResourceError> {
    let mut tested = read_provider(management, tenant, id).await?;
    let settings = tested.open(&management.keyring).ok_or(ResourceError::Unreadable)?;
    let view = management.tenant_view(tenant)?;
    let company = view.tenant.name.as_str();
    let trial = Trial {
        sender: choose(&view.senders, &to, company),
        to,
        text: format!("Test message of {company} through {}.", tested.name),
    };
    let outcome = management.gateways.try_send(&tested, &settings, trial).await;
    if let TrialOutcome::Accepted { id: Some(id), by_id: true } = &outcome
        && let Some(message) = ProviderMessage::new(tested.id, id)
        && let Some(outbox) = outbox
    {
        // Save the id, so that its receipt is not reported as one of an unknown message.
        let _ = bind_message(outbox, &message, ProviderMessage::trial(tenant)).await;
    }
    if matches!(outcome, TrialOutcome::Accepted { .. }) && tested.verified_at.is_none() {
        tested.verified_at = Some(by.at);
        tested.version += 1;
        // If the account was changed in the meantime, it must be tested with its new settings.
        match update(management, &tested.resource(by.at), &[], by).await {
            Ok(()) | Err(ResourceError::Changed(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

/// Refuses an account that no route of the tenant may use: it does not exist, is disabled, or is not
/// verified. The account is read from the directory, because another node may have run the test. The returned
/// basis contains the account's version.
pub(super) async fn refuse_unusable(
    replica: &Replica,
    tenant: TenantId,
    id: ProviderId,
) -> Result<Basis, ResourceError> {
    let mut found = None;
    for owner in [tenant, OPERATOR] {
        found = match read_provider(replica, owner, id).await {
            Ok(account) => Some(account).filter(|account| account.serves(tenant)),
            Err(ResourceError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        if found.is_some() {
            break;
        }
    }
    let found = found.ok_or_else(|| ResourceError::field("provider", "names no enabled account of yours"))?;
    let unverified =
        "names an account that has not taken a message yet: send a test message through it first";
    match found.verified_at {
        Some(_) => Ok(Basis::One { tenant: found.tenant, id: id.to_string(), version: found.version }),
        None => Err(ResourceError::field("provider", unverified)),
    }
}

//! The provider accounts of this process: for each, the provider as last built and its circuit breakers. It
//! also implements the operations of account management.

mod breakers;

use crate::{
    provider::{Accepted, Outgoing, Provider, SendError},
    providers::{KINDS, Means, build, redact, update},
    receipt::{ReceiptError, ReceiptRequest, Report, Told},
    settings::Fault,
};
use async_trait::async_trait;
use breakers::Breakers;
use countersign_core::{
    code::Code,
    delivery::account::{Health, ProviderAccount},
    id::{MessageId, ProviderId, TenantId, VerificationId},
    keyring::KeyRing,
    ports::gateways::{Gateways, ReceiptCall, ReceiptRefusal, Reports, SettingFault, Trial, TrialOutcome},
    snapshot::Snapshot,
};
use rand::rngs::StdRng;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use zeroize::Zeroizing;

/// A provider that was not used for this long is closed.
const UNUSED: Duration = Duration::from_secs(600);
/// The longest time that a test message may take.
const TRIAL: Duration = Duration::from_secs(15);
/// The number of receipts of one account that may wait to be processed.
const REPORTS: usize = 1_000;

/// A receipt that arrived on a provider's own connection.
#[derive(Debug)]
pub struct AccountReport {
    pub account: Arc<ProviderAccount>,
    /// The content of the receipt.
    pub told: Told,
}

struct Built {
    tenant: TenantId,
    version: i64,
    provider: Arc<dyn Provider>,
    used_at: Instant,
}

#[derive(Default)]
struct State {
    built: HashMap<ProviderId, Built>,
}

/// The accounts through which this process sends.
pub struct Accounts {
    means: Means,
    keyring: Arc<KeyRing>,
    reports: mpsc::Sender<AccountReport>,
    state: Mutex<State>,
    pub(crate) breakers: Breakers,
}

impl Accounts {
    /// Begins without any built provider. Receipts that arrive on providers' own connections go to `reports`.
    pub fn new(means: Means, keyring: Arc<KeyRing>, reports: mpsc::Sender<AccountReport>) -> Self {
        Self { means, keyring, reports, state: Mutex::default(), breakers: Breakers::default() }
    }

    /// The provider of an account, built with the account's present settings.
    pub(crate) fn provider(&self, account: &Arc<ProviderAccount>) -> Result<Arc<dyn Provider>, SendError> {
        if let Some(provider) = self.built(account) {
            return Ok(provider);
        }
        // Build it outside the lock: building may read certificate authorities from disk, and other messages
        // must not wait.
        let settings =
            account.open(&self.keyring).ok_or_else(|| SendError::account("unreadable settings"))?;
        let (tell, mut told) = mpsc::channel(REPORTS);
        let means = Means { reports: tell, ..self.means.clone() };
        let provider = build(&account.kind, &account.name, &settings, &means)
            .map_err(|_| SendError::account("settings are not valid any more"))?;
        if let Some(provider) = self.keep(account, &provider) {
            return Ok(provider);
        }
        // The task ends with the provider, which holds the other end of the channel.
        let (reports, account) = (self.reports.clone(), Arc::clone(account));
        tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                if reports.send(AccountReport { account: Arc::clone(&account), told }).await.is_err() {
                    return;
                }
            }
        });
        Ok(provider)
    }

    fn built(&self, account: &ProviderAccount) -> Option<Arc<dyn Provider>> {
        let now = Instant::now();
        let mut state = self.state();
        let built = state.built.get_mut(&account.id).filter(|built| built.version == account.version)?;
        built.used_at = now;
        Some(Arc::clone(&built.provider))
    }

    /// Saves the built provider. If another task has saved one in the meantime, returns that one.
    fn keep(&self, account: &ProviderAccount, provider: &Arc<dyn Provider>) -> Option<Arc<dyn Provider>> {
        let mut state = self.state();
        if let Some(built) = state.built.get(&account.id)
            && built.version >= account.version
        {
            return Some(Arc::clone(&built.provider));
        }
        let (tenant, version, used_at) = (account.tenant, account.version, Instant::now());
        state.built.insert(account.id, Built { tenant, version, provider: Arc::clone(provider), used_at });
        None
    }

    /// Closes providers that were not used for long, and providers of accounts that were deleted, disabled or
    /// changed. A connection ends when its last message in progress is done.
    pub(crate) fn close_unused(&self, snapshot: &Snapshot) {
        let now = Instant::now();
        let is_used = |id: &ProviderId, built: &Built| {
            let view = snapshot.tenant(built.tenant);
            let account = view.as_ref().and_then(|view| view.providers.iter().find(|one| one.id == *id));
            // Keep a provider that is newer than this node's copy: the account changed after the copy was
            // read.
            account.is_some_and(|account| account.enabled && account.version <= built.version)
                && now.saturating_duration_since(built.used_at) < UNUSED
        };
        let closed: Vec<_> = self.state().built.extract_if(|id, built| !is_used(id, built)).collect();
        // Drop them outside the lock, so that nobody waits while they close.
        drop(closed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves only whole entries, so a poisoned lock is safe to use.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The word for what the server does after this error.
pub(crate) fn class(error: &SendError) -> &'static str {
    match error {
        SendError::Retry { .. } => "retry",
        SendError::Reject { .. } => "reject",
        SendError::Decline { .. } => "decline",
        SendError::Throttle { .. } => "throttle",
        SendError::Account { .. } => "account",
        SendError::Unknown { .. } => "unknown",
        SendError::Local(error) => class(error),
    }
}

fn faults(faults: Vec<Fault>) -> Vec<SettingFault> {
    let fault = |Fault { field, message }: Fault| SettingFault {
        field: match field.as_str() {
            "" => "settings".to_owned(),
            "kind" => field,
            _ => format!("settings.{field}"),
        },
        message,
    };
    faults.into_iter().map(fault).collect()
}

#[async_trait]
impl Gateways for Accounts {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn check(&self, kind: &str, settings: &Value) -> Result<(), Vec<SettingFault>> {
        let means = Means { reports: mpsc::channel(1).0, ..self.means.clone() };
        build(kind, "checked", settings, &means).map(drop).map_err(faults)
    }

    fn redact(&self, kind: &str, settings: &Value) -> Value {
        redact(kind, settings)
    }

    fn update(&self, kind: &str, settings: &Value, patch: &Value) -> Result<Value, Vec<SettingFault>> {
        update(kind, settings, patch).map_err(faults)
    }

    fn own_sender(&self, account: &Arc<ProviderAccount>) -> Option<String> {
        let settings = account.open(&self.keyring)?;
        let by_service = settings.get("messaging_service_sid").map(|_| "chosen by the messaging service");
        settings["from"].as_str().or(by_service).map(str::to_owned)
    }

    async fn try_send(&self, account: &ProviderAccount, settings: &Value, trial: Trial) -> TrialOutcome {
        // A receipt that arrives during the test is read and dropped: nobody waits for it.
        let (reports, _taken) = mpsc::channel(REPORTS);
        let means = Means { reports, ..self.means.clone() };
        let Ok(provider) = build(&account.kind, &account.name, settings, &means) else {
            return TrialOutcome::Refused { class: "account", reason: "settings are not valid".to_owned() };
        };
        let (now, mut rng) = (self.means.clock.now(), rand::make_rng::<StdRng>());
        let message = Outgoing {
            message: MessageId::new(now, 0, &mut rng),
            verification: VerificationId::new(now, 0, &mut rng),
            attempt: 1,
            to: trial.to,
            from: trial.sender.as_str().to_owned(),
            text: Zeroizing::new(trial.text),
            code: Code::of_test_mode(6),
            expires_at: now + Duration::from_secs(600),
            callback: None,
        };
        match timeout(TRIAL, provider.send(&message)).await {
            Ok(Ok(Accepted { id, .. })) => TrialOutcome::Accepted {
                id: id.map(|id| id.chars().take(128).collect()),
                by_id: provider.names_by_id(),
            },
            Ok(Err(error)) => TrialOutcome::Refused { class: class(&error), reason: error.to_string() },
            Err(_) => TrialOutcome::Refused {
                class: "unknown",
                reason: format!("no answer in {} s", TRIAL.as_secs()),
            },
        }
    }

    fn check_url(&self, url: &str) -> Result<(), String> {
        self.means.outbound.parse_url(url).map(drop).map_err(|error| error.to_string())
    }

    fn health(&self, account: &ProviderAccount, tenant: TenantId) -> Option<Health> {
        self.breakers.health(account, tenant)
    }

    fn is_shut(&self, account: &ProviderAccount, tenant: TenantId) -> bool {
        // A slow account still takes messages.
        self.breakers.is_shut(account, tenant, usize::MAX).is_some()
    }

    fn read_receipts(
        &self,
        account: &Arc<ProviderAccount>,
        call: &ReceiptCall,
    ) -> Result<Reports, ReceiptRefusal> {
        let provider = self.provider(account).map_err(|_| ReceiptRefusal::Unsupported)?;
        let request = ReceiptRequest {
            url: &call.url,
            method: &call.method,
            headers: &call.headers,
            query: &call.query,
            content_type: &call.content_type,
            body: &call.body,
            peer: call.peer,
        };
        let receipts = provider.receipts(&request).map_err(|error| match error {
            ReceiptError::Unsupported => ReceiptRefusal::Unsupported,
            ReceiptError::Forged => ReceiptRefusal::Forged,
            ReceiptError::Unreadable => ReceiptRefusal::Unreadable,
        })?;
        Ok((receipts.reports.into_iter().map(Report::into_core).collect(), receipts.answer))
    }
}

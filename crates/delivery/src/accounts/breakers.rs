//! The circuit breakers of all accounts, and the messages in progress through each account.

use crate::{
    breaker::{Breaker, Verdict},
    failover::metric_name,
    metric,
    provider::{Accepted, SendError},
};
use countersign_core::{
    delivery::account::{BreakerState, Health, ProviderAccount},
    id::{ProviderId, TenantId},
    tenant::OPERATOR,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often an account is tried again if its problem needs a person, such as wrong credentials.
const SHUT: Duration = Duration::from_secs(60);
/// The longest wait that a provider may ask for.
const LONGEST_THROTTLE: Duration = Duration::from_secs(300);
const USUAL_THROTTLE: Duration = Duration::from_secs(1);
/// From this number of breakers on, those without failures are dropped.
const MOST_BREAKERS: usize = 4_096;
#[derive(Default)]
struct State {
    /// One breaker for each account. For each tenant that shares an account there is one more.
    breakers: HashMap<(ProviderId, Option<TenantId>), Breaker>,
    flights: HashMap<ProviderId, usize>,
}

impl State {
    /// The reason why this tenant's messages cannot use the account now; `None` if they can.
    fn refusal(
        &self,
        account: &ProviderAccount,
        tenant: TenantId,
        slow: usize,
        now: Instant,
    ) -> Option<&'static str> {
        let breakers = keys(account, tenant).filter_map(|key| self.breakers.get(&key));
        let of_all = self.breakers.get(&(account.id, None));
        if breakers.into_iter().any(|breaker| breaker.is_shut(now)) {
            return Some("left out after failures");
        }
        let flights = self.flights.get(&account.id).copied().unwrap_or_default();
        (flights >= slow && of_all.is_some_and(Breaker::is_slow)).then_some("too slow for one more message")
    }

    /// Drops breakers without failures. If too many remain, drops the breakers of single tenants at shared
    /// accounts.
    fn bound_breakers(&mut self) {
        if self.breakers.len() < MOST_BREAKERS {
            return;
        }
        self.breakers.retain(|_, breaker| !breaker.is_quiet());
        if self.breakers.len() >= MOST_BREAKERS {
            self.breakers.retain(|(_, tenant), _| tenant.is_none());
        }
    }
}

/// The breakers that a tenant's message must pass.
fn keys(account: &ProviderAccount, tenant: TenantId) -> impl Iterator<Item = (ProviderId, Option<TenantId>)> {
    let own = is_shared(account).then_some((account.id, Some(tenant)));
    std::iter::once((account.id, None)).chain(own)
}

fn is_shared(account: &ProviderAccount) -> bool {
    account.tenant == OPERATOR
}

/// A message in progress through an account.
pub(crate) struct Flight<'a> {
    breakers: &'a Breakers,
    account: ProviderId,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.breakers.state();
        if let Some(flights) = state.flights.get_mut(&self.account) {
            *flights = flights.saturating_sub(1);
            if *flights == 0 {
                state.flights.remove(&self.account);
            }
        }
    }
}

/// The breakers of all accounts.
#[derive(Default)]
pub(crate) struct Breakers {
    state: Mutex<State>,
}

impl Breakers {
    /// The reason why no message of this tenant can pass now: a breaker is open, or the account is slow and
    /// has `slow` messages in progress. `None` if a message may pass.
    pub(crate) fn is_shut(
        &self,
        account: &ProviderAccount,
        tenant: TenantId,
        slow: usize,
    ) -> Option<&'static str> {
        self.state().refusal(account, tenant, slow, Instant::now())
    }

    /// Lets a message of this tenant pass, or returns the reason why not. The caller must report the result
    /// of a message that passed with [`Breakers::note`].
    pub(crate) fn admit(
        &self,
        account: &ProviderAccount,
        tenant: TenantId,
        slow: usize,
    ) -> Result<Flight<'_>, &'static str> {
        let (mut state, now) = (self.state(), Instant::now());
        if let Some(reason) = state.refusal(account, tenant, slow, now) {
            return Err(reason);
        }
        state.bound_breakers();
        for key in keys(account, tenant) {
            // No state has changed since the check above, because the lock is still held.
            state.breakers.entry(key).or_insert_with(|| breaker(account, key)).admit(now);
        }
        *state.flights.entry(account.id).or_default() += 1;
        Ok(Flight { breakers: self, account: account.id })
    }

    /// Records the result of a tenant's attempt.
    pub(crate) fn note(
        &self,
        account: &ProviderAccount,
        tenant: TenantId,
        answer: &Result<Accepted, SendError>,
        took: Duration,
    ) {
        for key in keys(account, tenant) {
            let changed = {
                let mut state = self.state();
                let breaker = state.breakers.entry(key).or_insert_with(|| breaker(account, key));
                breaker.note(verdict(answer), (tenant, took), Instant::now())
            };
            if let Some(state) = changed {
                tell(account, key.1, state, answer);
            }
        }
    }

    /// The state of an account, as a tenant sees it.
    pub(crate) fn health(&self, account: &ProviderAccount, tenant: TenantId) -> Option<Health> {
        let state = self.state();
        let health = |key| state.breakers.get(&key).map(Breaker::health);
        let own = health((account.id, Some(tenant))).filter(|own| own.state != BreakerState::Closed);
        own.or_else(|| health((account.id, None)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves only whole entries, so a poisoned lock is safe to use.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn breaker(account: &ProviderAccount, (_, tenant): (ProviderId, Option<TenantId>)) -> Breaker {
    Breaker::new(is_shared(account) && tenant.is_none())
}

fn tell(
    account: &ProviderAccount,
    tenant: Option<TenantId>,
    state: BreakerState,
    answer: &Result<Accepted, SendError>,
) {
    let (provider, tenant) = (&account.name, tenant.unwrap_or(account.tenant));
    match state {
        BreakerState::Open => {
            let reason = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(provider.name = %provider, tenant.id = %tenant, reason, "a provider is left out for a while");
        }
        _ => {
            tracing::info!(provider.name = %provider, tenant.id = %tenant, "a provider takes messages again")
        }
    }
    metric::count_breaker(&metric_name(account), state);
}

/// Judges the account by an answer. An answer about the phone number is not the account's failure.
fn verdict(answer: &Result<Accepted, SendError>) -> Verdict {
    match answer {
        Ok(_) | Err(SendError::Reject { .. } | SendError::Decline { .. }) => Verdict::Well,
        Err(SendError::Retry { reason, .. } | SendError::Unknown { reason }) => {
            Verdict::Failed(reason.clone())
        }
        Err(SendError::Throttle { reason, after }) => {
            Verdict::Shut(reason.clone(), after.unwrap_or(USUAL_THROTTLE).min(LONGEST_THROTTLE))
        }
        Err(SendError::Account { reason }) => Verdict::Shut(reason.clone(), SHUT),
        Err(SendError::Local(_)) => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{delivery::account::Shared, time::Timestamp};

    const SLOW: usize = 16;

    fn tenant(byte: u8) -> TenantId {
        TenantId::from_bytes([byte; 16])
    }

    fn account(tenant: TenantId) -> ProviderAccount {
        ProviderAccount {
            id: ProviderId::from_bytes([9; 16]),
            tenant,
            name: "main".into(),
            kind: "http".into(),
            enabled: true,
            rate: None,
            shared: Shared::All,
            verified_at: None,
            shown: serde_json::Value::Null,
            sealed: Vec::new(),
            receipts: Default::default(),
            version: 1,
            created_at: Timestamp::from_millis(0),
        }
    }

    /// Makes an attempt that gets this answer. Returns `false` if the breaker let no message pass.
    fn attempt(
        breakers: &Breakers,
        account: &ProviderAccount,
        by: u8,
        answer: Result<Accepted, SendError>,
    ) -> bool {
        let admitted = breakers.admit(account, tenant(by), SLOW).is_ok();
        if admitted {
            breakers.note(account, tenant(by), &answer, Duration::ZERO);
        }
        admitted
    }

    #[test]
    fn what_one_tenants_numbers_cause_keeps_that_tenant_out_of_a_shared_account() {
        let (breakers, shared) = (Breakers::default(), account(OPERATOR));
        for error in
            [SendError::unknown("HTTP 500"), SendError::retry("HTTP 503"), SendError::account("HTTP 403")]
        {
            for _ in 0..20 {
                attempt(&breakers, &shared, 1, Err(error.clone()));
            }
            assert!(attempt(&breakers, &shared, 2, Ok(Accepted::default())), "{error}");
        }
        assert!(!attempt(&breakers, &shared, 1, Ok(Accepted::default())), "its own are left out");
        let state = |by| breakers.health(&shared, tenant(by)).unwrap().state;
        assert_eq!((state(1), state(2)), (BreakerState::Open, BreakerState::Closed));
    }

    #[test]
    fn a_shared_account_that_fails_for_many_is_left_out_for_all() {
        let (breakers, shared) = (Breakers::default(), account(OPERATOR));
        for by in 1..=5 {
            assert!(attempt(&breakers, &shared, by, Err(SendError::retry("HTTP 503"))));
        }
        assert!(!attempt(&breakers, &shared, 6, Ok(Accepted::default())));
        assert_eq!(breakers.health(&shared, tenant(6)).unwrap().state, BreakerState::Open);
    }

    #[test]
    fn an_account_of_a_tenant_is_that_tenants_affair() {
        let (breakers, own) = (Breakers::default(), account(tenant(1)));
        for error in [SendError::reject("no such number"), SendError::decline("HTTP 404")] {
            for _ in 0..50 {
                assert!(attempt(&breakers, &own, 1, Err(error.clone())));
            }
        }
        for _ in 0..50 {
            assert!(attempt(&breakers, &own, 1, Err(SendError::account("blocked").local())));
        }
        assert!(attempt(&breakers, &own, 1, Err(SendError::account("no credit"))));
        assert!(!attempt(&breakers, &own, 1, Ok(Accepted::default())));
    }

    #[test]
    fn a_slow_account_has_so_many_under_way_and_no_more() {
        let (breakers, shared) = (Breakers::default(), account(OPERATOR));
        let admit = |by| breakers.admit(&shared, tenant(by), SLOW);
        let mut flights: Vec<_> = (0..20).map(|by| admit(by).unwrap()).collect();
        for by in 0..3 {
            breakers.note(&shared, tenant(by), &Ok(Accepted::default()), Duration::from_secs(9));
        }
        assert_eq!(admit(30).err(), Some("too slow for one more message"));
        flights.truncate(15);
        let one = admit(30).unwrap();
        assert!(admit(31).is_err());
        drop(one);
        assert!(admit(31).is_ok());
        drop(flights);
        assert!(breakers.state().flights.is_empty());
    }

    #[test]
    fn breakers_have_a_bound() {
        let (breakers, shared) = (Breakers::default(), account(OPERATOR));
        for n in 0..10_000_u32 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let by = TenantId::from_bytes(id);
            let admitted = breakers.admit(&shared, by, SLOW).is_ok();
            if admitted {
                breakers.note(&shared, by, &Err(SendError::account("x")), Duration::ZERO);
            }
            breakers.state().breakers.remove(&(shared.id, None));
        }
        assert!(breakers.state().breakers.len() <= MOST_BREAKERS + 1);
    }
}

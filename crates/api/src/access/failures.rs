//! Counts failed authentications by the address they come from. A request with a valid key is never checked
//! here, so nobody can lock another caller out.

use countersign_core::{access::address::customer_network, ports::clock::Clock};
use governor::{Quota, RateLimiter, clock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore};
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

/// The maximum number of addresses with a count of their own. Beyond it, all further addresses share one
/// count. If counts were dropped instead, an attacker could use many addresses to make the server forget his
/// own.
const MAX_ADDRESSES: usize = 65_536;
/// The address under which further addresses share a count.
const EVERYBODY: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// The clock of the process, as the limiter reads it.
struct Steady(Arc<dyn Clock>);

impl clock::Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.steady()
    }
}

type Limiter = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, Steady, NoOpMiddleware<Duration>>;

/// The result of counting a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Failure {
    /// The address is within its limit.
    Counted,
    /// The address is over its limit. A further failure is counted after this time.
    TooMany(Duration),
}

/// The counts of failed authentications.
pub struct AuthFailures {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
}

impl AuthFailures {
    /// Each address may fail `per_minute` times at once, and from then on this often each minute.
    pub fn new(per_minute: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let limiter =
            RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute), Steady(Arc::clone(&clock)));
        Self { limiter, clock }
    }

    /// Counts a failure from this address.
    pub fn note(&self, address: IpAddr) -> Failure {
        let crowded = self.limiter.len() >= MAX_ADDRESSES;
        let key = if crowded { EVERYBODY } else { customer_network(address) };
        match self.limiter.check_key(&key) {
            Ok(()) => Failure::Counted,
            Err(until) => Failure::TooMany(until.wait_time_from(self.clock.steady())),
        }
    }

    /// Forgets addresses whose limit has recovered fully. The server's housekeeping calls this.
    pub fn forget_old(&self) {
        self.limiter.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::stores::Hand;

    fn failures() -> (AuthFailures, Arc<Hand>) {
        let clock = Arc::new(Hand::default());
        (AuthFailures::new(NonZeroU32::new(30).unwrap(), clock.clone()), clock)
    }

    #[test]
    fn thirty_at_once_and_then_one_every_two_seconds() {
        let (failures, clock) = failures();
        let address = |text: &str| text.parse().unwrap();
        let (one, other) = (address("2001:db8::1"), address("2001:db8::2"));
        for n in 0..30 {
            assert_eq!(failures.note(if n % 2 == 0 { one } else { other }), Failure::Counted);
        }
        assert_eq!(failures.note(other), Failure::TooMany(Duration::from_secs(2)));
        assert_eq!(failures.note(address("2001:db8:0:1::1")), Failure::Counted);
        assert_eq!(failures.note(address("198.51.100.1")), Failure::Counted);
        clock.turn(Duration::from_secs(2));
        assert_eq!(failures.note(one), Failure::Counted);
        assert!(matches!(failures.note(one), Failure::TooMany(_)));
    }

    #[test]
    fn memory_is_bounded_and_time_frees_it() {
        let (failures, clock) = failures();
        let address = |n: u32| IpAddr::V4(n.into());
        let flood = (0..MAX_ADDRESSES as u32 + 100).map(|n| failures.note(address(n)));
        let refused = flood.filter(|outcome| *outcome != Failure::Counted).count();
        assert!(refused >= 69, "{refused}: those beyond the bound share one allowance");
        assert!(failures.limiter.len() <= MAX_ADDRESSES + 1);
        clock.turn(Duration::from_secs(120));
        failures.forget_old();
        assert_eq!(failures.limiter.len(), 0);
        assert_eq!(failures.note(address(1)), Failure::Counted);
    }
}

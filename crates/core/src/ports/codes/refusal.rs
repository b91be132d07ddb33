//! The order in which the reasons to refuse a start are applied, the same on every engine.

use crate::{ports::codes::acts::StartOutcome, tenant::limits::LimitHit};

/// The reasons to refuse a start. An engine that checks them in several calls checks in the order of these
/// fields, and leaves out those that it has not checked yet.
#[derive(Debug, Default)]
pub struct Refusal {
    /// A limit that does not count by phone number. It comes first, so that a caller who has used up its own
    /// limits learns nothing about the phone number.
    pub outer: Option<LimitHit>,
    /// The member's pool has too few parts left.
    pub pool: Option<LimitHit>,
    /// The events that wait for the history use up their budget.
    pub history_backlog: bool,
    /// Another verification is pending in a group that allows only one.
    pub changed: bool,
    pub number: Option<LimitHit>,
}

impl Refusal {
    /// The first reason that applies. Its limit states are only those of its own group of limits: an engine
    /// need not check the other groups, which then count nothing.
    pub fn first(self) -> Option<StartOutcome> {
        if let Some(hit) = self.outer {
            return Some(StartOutcome::Limited(hit));
        }
        if let Some(hit) = self.pool {
            return Some(StartOutcome::PoolExhausted(hit));
        }
        if self.history_backlog {
            return Some(StartOutcome::HistoryBacklog);
        }
        if self.changed {
            return Some(StartOutcome::Changed);
        }
        self.number.map(StartOutcome::Limited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn hit(scope: &'static str) -> LimitHit {
        LimitHit { name: scope.to_owned(), scope, retry_after: Duration::ZERO, states: Vec::new() }
    }

    fn first(outer: bool, pool: bool, history_backlog: bool, changed: bool, number: bool) -> &'static str {
        let [outer, pool, number] = [("outer", outer), ("pool", pool), ("number", number)]
            .map(|(name, refuses)| refuses.then(|| hit(name)));
        match (Refusal { outer, pool, history_backlog, changed, number }).first() {
            None => "none",
            Some(StartOutcome::Limited(hit) | StartOutcome::PoolExhausted(hit)) => hit.scope,
            Some(StartOutcome::HistoryBacklog) => "backlog",
            Some(StartOutcome::Changed) => "changed",
            Some(StartOutcome::Started { .. }) => panic!("a refusal started something"),
        }
    }

    #[test]
    fn outer_limits_then_the_pool_then_the_backlog_then_the_listing_then_the_number() {
        for others in 0..8 {
            let [a, b, c] = [1, 2, 4].map(|bit| others & bit != 0);
            assert_eq!(first(true, false, a, b, c), "outer");
            assert_eq!(first(true, true, a, b, c), "outer");
            assert_eq!(first(false, true, a, b, c), "pool");
        }
        for others in 0..4 {
            let [a, b] = [1, 2].map(|bit| others & bit != 0);
            assert_eq!(first(false, false, true, a, b), "backlog");
        }
        assert_eq!(first(false, false, false, true, true), "changed");
        assert_eq!(first(false, false, false, true, false), "changed");
        assert_eq!(first(false, false, false, false, true), "number");
        assert_eq!(first(false, false, false, false, false), "none");
    }
}

//! What a member's limits say about one message: its hours, its parts and the pool. They hold for starts and
//! resends.
//!
//! Hours and parts also hold in test mode, as the country list does, so that a program meets the refusals before
//! it is live. The pool is for live messages only, because in test mode no message is sent. A review number gets
//! no message either, and its reviewer comes at any hour, so none of these limits hold for it.

use crate::{
    access::actor::Actor,
    context::Context,
    message::{MessageText, sms::segments},
    mode::Mode,
    people::{
        hours::{Hours, Zone},
        member::Member,
        pool::{Month, PoolCount, PoolTake},
    },
    ports::error::StoreError,
    tenant::limits::LimitHit,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// Why a member's limits refuse a message.
#[derive(Debug, thiserror::Error)]
pub enum SendingError {
    /// The member does not send at this hour.
    #[error("outside of the member's hours")]
    OutsideHours(Opening),
    /// The message has more parts than a message of the member may have.
    #[error("the message has {parts} parts, and {most} are allowed")]
    MessageTooLong { parts: u32, most: u8 },
    /// The pool has too few parts left.
    #[error("the pool has too few parts left")]
    PoolExhausted(LimitHit),
}

/// When the next of a member's hours begin.
#[derive(Clone, Debug)]
pub struct Opening {
    /// `None` if no hours begin in the coming two weeks.
    pub at: Option<Timestamp>,
    /// The time until then.
    pub wait: Option<Duration>,
    pub zone: Zone,
}

/// A message of a member.
pub(crate) struct Sending<'a> {
    context: &'a Context,
    member: Arc<Member>,
    mode: Mode,
    now: Timestamp,
}

impl<'a> Sending<'a> {
    /// `None` if the actor is a key of the company.
    pub fn of(context: &'a Context, actor: &Actor, now: Timestamp) -> Result<Option<Self>, StoreError> {
        let member = context.member_of(actor)?;
        Ok(member.map(|member| Self { context, member, mode: actor.mode, now }))
    }

    pub fn check_hours(&self) -> Result<(), SendingError> {
        let limits = &self.member.limits;
        if limits.hours == Hours::ALWAYS || limits.hours.admits(&limits.zone, self.now) {
            return Ok(());
        }
        let at = limits.hours.next_opening(&limits.zone, self.now);
        let wait = at.map(|at| at.since(self.now));
        Err(SendingError::OutsideHours(Opening { at, wait, zone: limits.zone.clone() }))
    }

    /// Whether the parts of a message matter, so that the caller must compose it.
    pub fn counts_parts(&self) -> bool {
        self.member.limits.most_parts.is_some() || self.pool().is_some()
    }

    /// Refuses a message with too many parts. Returns what it takes from the pool.
    pub fn take(&self, message: &MessageText) -> Result<Option<PoolTake>, SendingError> {
        let parts = u32::try_from(segments(message.expose()).parts).unwrap_or(u32::MAX);
        if let Some(most) = self.member.limits.most_parts.filter(|most| parts > u32::from(*most)) {
            return Err(SendingError::MessageTooLong { parts, most });
        }
        let (key, zone) = (pool_key(self.context, &self.member), self.member.limits.zone.clone());
        Ok(self.pool().map(|pool| PoolTake { key, parts, pool, now: self.now, zone }))
    }

    fn pool(&self) -> Option<u32> {
        self.member.limits.pool.filter(|_| self.mode == Mode::Live)
    }
}

fn pool_key(context: &Context, member: &Member) -> [u8; 16] {
    context.keyring.hash("pool", member.tenant, &[member.id.bytes()])
}

/// How far a member's pool is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The parts that were taken in this month. They may be more than `of`, if the pool was lowered.
    pub used: u32,
    /// The parts of a month.
    pub of: u32,
    /// When the month ends in the member's zone.
    pub until: Timestamp,
}

/// Reads how far a member's pool is used. `None` if the member has no pool.
pub async fn read_pool(
    context: &Context,
    member: &Member,
    now: Timestamp,
) -> Result<Option<PoolUse>, StoreError> {
    let (Some(of), zone) = (member.limits.pool, &member.limits.zone) else { return Ok(None) };
    let stored = context.codes.pool_count(pool_key(context, member)).await?;
    let PoolCount { month, used } = PoolCount::in_month(stored, Month::of(zone, now));
    Ok(Some(PoolUse { used, of, until: month.ends_at(zone) }))
}

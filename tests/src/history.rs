//! The history: one contract for SQLite and Postgres, each statement on both, and the history over HTTP.

mod contract;
mod http;
mod statements;
mod weeks;

use countersign_core::{
    id::{EventId, KeyId, MessageId, ProfileId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    phone::Country,
    ports::codes::events::{Position, UnrecordedEvent},
    time::Timestamp,
    verification::event::{Event, EventKind, Started},
};
use countersign_stores::history::SqlHistory;
use rand::{SeedableRng, rngs::StdRng};
use std::sync::Arc;

crate::directory::on_each_engine!(
    contract::a_verification_is_kept_with_its_timeline,
    contract::repeats_and_any_order_change_nothing,
    contract::receipts_are_kept_with_their_provider_and_counted_once,
    contract::an_approval_counts_for_its_provider_whoever_is_noted_first,
    contract::two_recorders_at_once_count_each_event_once,
    contract::what_cannot_be_recorded_is_put_aside,
    contract::the_timeline_names_the_authors,
    contract::an_erasure_takes_the_number_out_before_and_after,
    contract::what_has_passed_expires_once,
    contract::the_old_is_deleted_in_steps,
    contract::pages_have_no_gaps_and_no_doubles,
    contract::lists_keep_to_their_filter_tenant_and_mode,
    contract::a_share_of_profiles_bounds_lists_and_their_pages,
    contract::a_share_of_profiles_bounds_reports,
    contract::counts_are_those_of_the_events,
    contract::contacts_are_sealed_anew_and_a_restart_goes_on,
);

/// A second in July 2026, on the hour.
const START: i64 = 1_783_000_800_000;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + 1_000 * seconds)
}

pub const TENANT: TenantId = TenantId::from_bytes([1; 16]);
pub const PROFILE: ProfileId = ProfileId::from_bytes([2; 16]);
pub const NUMBER: Fingerprint = Fingerprint([3; 16]);

fn history(base: &crate::directory::Base) -> Arc<SqlHistory> {
    Arc::new(SqlHistory::new(base.sql.clone()))
}

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A verification started at second `n`.
pub fn key(n: i64) -> RecordKey {
    let id = VerificationId::new(at(n), 7, &mut rng(n as u64));
    RecordKey { tenant: TENANT, mode: Mode::Live, id }
}

pub fn message(n: i64) -> MessageId {
    MessageId::new(at(n), 7, &mut rng(n as u64))
}

pub fn event(key: RecordKey, seconds: i64, kind: &EventKind) -> UnrecordedEvent {
    let id = EventId::new(at(seconds), 7, &mut rng(seconds as u64 ^ key.id.bytes()[15] as u64));
    UnrecordedEvent { position: Position([0, 0, 0]), key, id, at: at(seconds), body: kind.pack(), who: None }
}

pub fn start(n: i64) -> EventKind {
    EventKind::Started(Box::new(Started {
        review: false,
        message: message(n),
        profile: PROFILE,
        key: Some(KeyId::from_bytes([4; 16])),
        number: NUMBER,
        country: Country::parse("PL"),
        expires_at: at(n + 300),
        max_checks: 5,
        max_sends: 5,
        contact: vec![1, 9, 9],
        limits: vec![],
        skipped: vec![],
    }))
}

/// Events of a verification: started, sent, delivered, one wrong code, resent, approved.
pub fn story(n: i64) -> Vec<UnrecordedEvent> {
    let (key, provider) = (key(n), "relay".to_owned());
    [
        start(n),
        EventKind::MessageSent { message: message(n), provider },
        EventKind::Delivered { message: message(n) },
        EventKind::CheckWrong { attempts_left: 4, in_row: 1, wait: None },
        EventKind::Resent { message: message(n + 4), send: 2, new_code: false },
        EventKind::Approved,
    ]
    .iter()
    .zip(n..)
    .map(|(kind, second)| event(key, second, kind))
    .collect()
}

/// The names of the events, in the words of the history.
fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.name()).collect()
}

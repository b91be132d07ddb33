//! Reads the history from the database, and checks that it contains each event once and no other.

use crate::{
    acts::Acts,
    book::{Book, Verification},
    server::Installation,
};
use anyhow::{Context, Result, anyhow, ensure};
use countersign_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::{collections::HashMap, ops::RangeInclusive, sync::atomic::Ordering::Relaxed, time::Duration};

/// The names in the report, and the kinds of events that each includes.
const COUNTED: [(&str, &[&str]); 8] = [
    ("started", &["started"]),
    ("resent", &["resent"]),
    ("sent", &["message_sent"]),
    ("retried", &["message_retried"]),
    ("dropped", &["message_dropped"]),
    ("wrong", &["check_wrong", "exhausted"]),
    ("approved", &["approved"]),
    ("exhausted", &["exhausted"]),
];
/// The number of verifications whose timeline is compared.
const TIMELINES: usize = 200;

type Kinds = HashMap<String, u64>;

/// The number of events of each kind, by verification.
pub struct History {
    of: HashMap<String, Kinds>,
    connection: Connection,
}

fn open(installation: &Installation, name: &str) -> Result<Connection> {
    let connection = Connection::open_with_flags(installation.file(name), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// Returns whether no message and no event is waiting.
pub fn is_drained(installation: &Installation) -> Result<bool> {
    let waiting = "SELECT NOT EXISTS (SELECT 1 FROM due)
        AND NOT EXISTS (SELECT 1 FROM events)";
    Ok(open(installation, "codes.sqlite")?.query_row(waiting, [], |row| row.get(0))?)
}

impl History {
    pub fn read(installation: &Installation) -> Result<Self> {
        let connection = open(installation, "directory.sqlite")?;
        let mut of: HashMap<String, Kinds> = HashMap::new();
        let mut select = connection.prepare("SELECT verification_id, kind FROM events")?;
        let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (id, kind) = row?;
            *of.entry(id).or_default().entry(kind).or_default() += 1;
        }
        drop(select);
        Ok(Self { of, connection })
    }

    /// The number of all events.
    pub fn events(&self) -> u64 {
        self.of.values().flat_map(HashMap::values).sum()
    }

    fn number(&self, sql: &str) -> Result<u64> {
        Ok(self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// Compares the events with the book. `guessed` starts belong to the attacked number.
    pub fn compare(&self, book: &Book, guessed: u64) -> Result<()> {
        let idle = book.idle();
        for of in idle.iter() {
            match self.of.get(&of.id) {
                Some(kinds) => compare_one(book, of, kinds),
                None => book.fault(format!("{} is not in the history", of.id)),
            }
        }
        let (known, all) = (idle.len() as u64, self.of.len() as u64);
        // A start that was cut off may have been made, but only once.
        let lost = book.lost_starts.load(Relaxed);
        if all < known || all > known + lost {
            book.fault(format!("{all} verifications in the history: {known} known, {lost} starts cut off"));
        }
        for (what, sql, expected) in [
            ("events with the id of another", "SELECT count(*) - count(DISTINCT id) FROM events", 0),
            ("events that were put aside", "SELECT count(*) FROM dead_events", 0),
            (
                "verifications of a number that was started once",
                "SELECT coalesce(sum(n), 0) FROM
                    (SELECT count(*) AS n FROM verifications GROUP BY number HAVING count(*) > 1)",
                if guessed > 1 { guessed } else { 0 },
            ),
            (
                "verifications without exactly one start",
                "SELECT count(*) FROM verifications v WHERE 1 !=
                    (SELECT count(*) FROM events e WHERE e.verification_id = v.id AND e.kind = 'started')",
                0,
            ),
            (
                "rows that say otherwise than their events",
                "SELECT count(*) FROM verifications v JOIN
                    (SELECT verification_id AS id, sum(kind IN ('check_wrong', 'exhausted')) AS checks,
                        sum(kind IN ('started', 'resent')) AS sends, max(kind = 'approved') AS approved
                        FROM events GROUP BY verification_id) e ON e.id = v.id
                    WHERE v.checks != e.checks OR v.sends != e.sends
                        OR (v.status = 'approved') != e.approved",
                0,
            ),
        ] {
            let found = self.number(sql)?;
            if found != expected {
                book.fault(format!("{found} {what}, not {expected}"));
            }
        }
        Ok(())
    }

    /// Checks that the hourly report has the same counts as the events.
    pub async fn compare_report(&self, acts: &Acts, now: Timestamp) -> Result<()> {
        let (from, to) = (now - Duration::from_secs(86_400), now + Duration::from_secs(3_600));
        let report = acts.api.get(&format!("/v1/reports/hourly?from={from}&to={to}")).await;
        let report = report.map_err(|lost| anyhow!("no report: {lost:?}"))?;
        ensure!(report.status == 200, "the report answered {}", report.json);
        let hours = report.json["data"].as_array().context("data")?;
        for (name, kinds) in COUNTED {
            let reported: u64 = hours.iter().filter_map(|hour| hour[name].as_u64()).sum();
            let of_kinds = |events: &Kinds| kinds.iter().filter_map(|kind| events.get(*kind)).sum::<u64>();
            let recorded: u64 = self.of.values().map(of_kinds).sum();
            if reported != recorded {
                acts.book.fault(format!("the report counts {reported} {name}, the events {recorded}"));
            }
        }
        Ok(())
    }

    /// Checks that timelines show the same events.
    pub async fn compare_timelines(&self, acts: &Acts) {
        for (id, kinds) in self.of.iter().take(TIMELINES) {
            let answer = acts.api.get(&format!("/v1/verifications/{id}/timeline")).await;
            let shown = answer.ok().and_then(|answer| answer.json["data"].as_array().map(Vec::len));
            let recorded: u64 = kinds.values().sum();
            if shown.map(|shown| shown as u64) != Some(recorded) {
                acts.book.fault(format!("{id}: a timeline of {shown:?} events, not {recorded}"));
            }
        }
    }
}

fn compare_one(book: &Book, of: &Verification, kinds: &Kinds) {
    let counted = |kind: &str| kinds.get(kind).copied().unwrap_or_default();
    let expect = |what: &str, found: u64, expected: RangeInclusive<u64>| {
        if !expected.contains(&found) {
            book.fault(format!("{}: {found} events {what}, not {expected:?}", of.id));
        }
    };
    let (approved, exhausted) = (u64::from(of.approved), u64::from(of.exhausted));
    expect("started", counted("started"), 1..=1);
    expect("approved", counted("approved"), approved..=approved);
    expect("exhausted", counted("exhausted"), exhausted..=exhausted);
    let wrong = counted("check_wrong") + counted("exhausted");
    expect("of a wrong code", wrong, of.wrong..=of.wrong + of.maybe_wrong);
    expect("resent", counted("resent"), of.resent..=of.resent + of.maybe_resent);
    // Each message ends once: sent, or dropped because its verification ended first.
    let ended = counted("message_sent") + counted("message_dropped");
    expect("of a message's end", ended, 1 + of.resent..=1 + of.resent + of.maybe_resent);
}

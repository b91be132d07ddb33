//! Reads lists as the API does. Each read has other parameters of its kind.

use crate::{fill, statement};
use anyhow::{Context, Result};
use countersign_core::{
    access::share::Share,
    history::query::{Filter, ListQuery},
    id::{ProfileId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::history::History,
    time::Timestamp,
    verification::status::Status,
};
use countersign_stores::{
    history::SqlHistory,
    sql::{
        Kind::{Int, Text},
        Sql,
    },
};
use std::time::{Duration, Instant};

/// The API's default page has 20 rows, its largest 100.
const PAGE: u16 = 100;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The times of the reads of one kind.
pub struct Figure {
    pub name: &'static str,
    /// The maximum number of rows that a read returned.
    pub rows: usize,
    times: Vec<Duration>,
}

impl Figure {
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get((self.times.len() * percent / 100).min(last)).copied().unwrap_or_default()
    }
}

struct Reader<'a> {
    history: &'a SqlHistory,
    reads: usize,
    now: Timestamp,
}

pub async fn measure(history: &SqlHistory, sql: &Sql, reads: usize, now: Timestamp) -> Result<Vec<Figure>> {
    let known = numbers(sql, fill::big()).await?;
    // The numbers that are used often come first.
    let (often, seldom) = known.split_at(known.len() / 10);
    let rare = numbers(sql, fill::small(3)).await?;
    let reader = Reader { history, reads, now };
    let all = |_| Filter::All;
    let status = |status| move |_| Filter::Status(status);
    let everything = |_| Share::all();
    let profile = |n| Share::one(fill::profile(n as u8));
    let few = |_| Share::of((0..fill::PROFILES).map(fill::profile)).unwrap_or(Share::none());
    let of = |numbers: &[Fingerprint]| {
        let numbers = numbers.to_vec();
        move |n: usize| Filter::Number(numbers[n % numbers.len()])
    };
    let nobody = |n| Filter::Number(Fingerprint([n as u8; 16]));
    let big = |_| (fill::big(), Mode::Live);
    let small = |n| (fill::small(n as u8), Mode::Live);
    let one = |_| (fill::small(3), Mode::Live);
    Ok(vec![
        reader.read("first page, big tenant", big, None, (everything, all)).await?,
        reader.read("first page, small tenants", small, None, (everything, all)).await?,
        reader
            .read("test mode, which others use", |_| (fill::big(), Mode::Test), None, (everything, all))
            .await?,
        reader.read("deep inside, big tenant", big, Some(0), (everything, all)).await?,
        reader.read("deep inside, small tenants", small, Some(0), (everything, all)).await?,
        reader.read("by status", big, None, (everything, status(Status::Approved))).await?,
        reader
            .read("by rare status, deep inside", big, Some(0), (everything, status(Status::Canceled)))
            .await?,
        reader.read("pending", big, None, (everything, status(Status::Pending))).await?,
        reader.read("by profile", big, None, (profile, all)).await?,
        reader.read("by profile, deep inside", big, Some(0), (profile, all)).await?,
        reader
            .read("by profile and status, deep inside", big, Some(0), (profile, status(Status::Expired)))
            .await?,
        reader.read("a list of profiles", big, None, (few, all)).await?,
        reader.read("a list of profiles, deep inside", big, Some(0), (few, all)).await?,
        reader.read("a list of profiles, a number", big, None, (few, of(often))).await?,
        reader.read("one day", big, Some(1), (everything, all)).await?,
        reader.read("a number, 1 in 5,000 of all", big, None, (everything, of(often))).await?,
        reader.read("a number, big tenant", big, None, (everything, of(seldom))).await?,
        reader.read("a number, small tenant", one, None, (everything, of(&rare))).await?,
        reader.read("a number that is not there", big, None, (everything, nobody)).await?,
        reader.read_each("one verification with its timeline").await?,
    ])
}

/// Fingerprints that exist in the history, those used often first.
async fn numbers(sql: &Sql, tenant: TenantId) -> Result<Vec<Fingerprint>> {
    let text =
        "SELECT id, number FROM verifications WHERE tenant_id = $1 AND mode = 'live' ORDER BY id LIMIT $2";
    let rows = sql
        .query(statement(text.to_owned(), &[Text, Int]), vec![tenant.to_string().into(), 500.into()])
        .await?;
    rows.iter().map(|row| fill::number(row.bytes(1)?)).collect()
}

impl Reader<'_> {
    /// Reads lists over `days` days, at another place each time. 0 begins anywhere and has no end; `None`
    /// begins at the newest.
    async fn read(
        &self,
        name: &'static str,
        whose: impl Fn(usize) -> (TenantId, Mode),
        days: Option<u32>,
        (profiles, filter): (impl Fn(usize) -> Share<ProfileId>, impl Fn(usize) -> Filter),
    ) -> Result<Figure> {
        let mut figure = Figure { name, rows: 0, times: Vec::new() };
        // The first reads fill caches and are not counted.
        for n in 0..self.reads + 10 {
            let place = days.map(|_| self.now - DAY * (1 + n as u32 * 37 % 80));
            let query = ListQuery {
                before: place.map(VerificationId::floor),
                limit: PAGE,
                created_after: place.zip(days.filter(|days| *days > 0)).map(|(at, days)| at - DAY * days),
                created_before: None,
                profiles: profiles(n),
                filter: filter(n),
                now: self.now,
            };
            let (tenant, mode) = whose(n);
            let began = Instant::now();
            let found = self.history.list(tenant, mode, &query).await?;
            if n >= 10 {
                figure.times.push(began.elapsed());
                figure.rows = figure.rows.max(found.len());
            }
        }
        figure.times.sort();
        Ok(figure)
    }

    async fn read_each(&self, name: &'static str) -> Result<Figure> {
        let mut figure = Figure { name, rows: 1, times: Vec::new() };
        for n in 0..self.reads {
            let query = ListQuery {
                before: Some(VerificationId::floor(self.now - DAY * (1 + n as u32 * 37 % 80))),
                limit: 1,
                created_after: None,
                created_before: None,
                profiles: Share::all(),
                filter: Filter::All,
                now: self.now,
            };
            let found = self.history.list(fill::big(), Mode::Live, &query).await?;
            let id = found.first().context("the big tenant has some everywhere")?.id;
            let key = RecordKey { tenant: fill::big(), mode: Mode::Live, id };
            let began = Instant::now();
            self.history.read(key).await?.context("it was listed")?;
            self.history.timeline(key).await?;
            figure.times.push(began.elapsed());
        }
        figure.times.sort();
        Ok(figure)
    }
}

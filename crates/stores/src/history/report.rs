//! Sums the counts.

use crate::sql::{
    Kind::{Int, Text},
    Row, Sql, Statement,
};
use countersign_core::{
    history::{
        fold::{Conversions, Counts},
        query::{By, ConversionQuery, HourlyCounts, ReportQuery, Way, WayCounts},
    },
    id::TenantId,
    mode::Mode,
    ports::error::StoreError,
    time::Timestamp,
};

/// `$5` is the stored form of a share of profiles. An unknown profile has an empty `profile_id`; with a space on
/// both sides, no list contains it. `_` in an id matches any character, but all ids have the same length, so
/// none matches another one.
///
/// In Postgres, the sum of integers is not an integer, so it is cast.
pub(super) const SUM_COUNTS: Statement = Statement {
    table: "rollups",
    text: "SELECT hour,
            CAST(sum(started) AS bigint),
            CAST(sum(resent) AS bigint),
            CAST(sum(sent) AS bigint),
            CAST(sum(retried) AS bigint),
            CAST(sum(rejected) AS bigint),
            CAST(sum(dropped) AS bigint),
            CAST(sum(delivered) AS bigint),
            CAST(sum(undelivered) AS bigint),
            CAST(sum(wrong) AS bigint),
            CAST(sum(approved) AS bigint),
            CAST(sum(exhausted) AS bigint),
            CAST(sum(canceled) AS bigint),
            CAST(sum(expired) AS bigint),
            CAST(sum(failed) AS bigint)
        FROM rollups
        WHERE tenant_id = $1 AND mode = $2 AND hour >= $3 AND hour < $4
            AND ($5 = 'all' OR ' ' || $5 || ' ' LIKE '% ' || profile_id || ' %') AND ($6 = '' OR country = $6)
        GROUP BY hour ORDER BY hour",
    params: &[Text, Text, Int, Int, Text, Text],
};

pub(super) async fn report(
    sql: &Sql,
    tenant: TenantId,
    mode: Mode,
    query: &ReportQuery,
) -> Result<Vec<HourlyCounts>, StoreError> {
    let values = vec![
        tenant.to_string().into(),
        mode.as_str().into(),
        query.from.micros().into(),
        query.to.micros().into(),
        query.profiles.to_string().into(),
        query.country.map(|country| country.as_str().to_owned()).unwrap_or_default().into(),
    ];
    sql.query(&SUM_COUNTS, values).await?.iter().map(read_hour).collect()
}

fn read_hour(row: &Row) -> Result<HourlyCounts, StoreError> {
    let mut counts = Counts::default();
    for (index, count) in counts.0.iter_mut().enumerate() {
        *count = u64::try_from(row.int(index + 1)?).map_err(|_| row.corrupt())?;
    }
    Ok(HourlyCounts { hour: Timestamp::from_micros(row.int(0)?), counts })
}

/// `$6` is the number of columns to group by: 1, 2 or 3 of provider, country and prefix.
pub(super) const SUM_CONVERSIONS: Statement = Statement {
    table: "conversions",
    text: "SELECT provider, country, prefix,
            CAST(sum(sent) AS bigint),
            CAST(sum(delivered) AS bigint),
            CAST(sum(undelivered) AS bigint),
            CAST(sum(approved) AS bigint)
        FROM (SELECT provider,
                CASE WHEN $6 >= 2 THEN country ELSE '' END AS country,
                CASE WHEN $6 >= 3 THEN prefix ELSE '' END AS prefix,
                sent, delivered, undelivered, approved
            FROM conversions
            WHERE tenant_id = $1 AND mode = $2 AND day >= $3 AND day < $4
                AND ($5 = '' OR country = $5)) AS parts
        WHERE (provider, country, prefix) > ($7, $8, $9)
        GROUP BY provider, country, prefix ORDER BY provider, country, prefix LIMIT $10",
    params: &[Text, Text, Int, Int, Text, Int, Text, Text, Text, Int],
};

pub(super) async fn conversion(
    sql: &Sql,
    tenant: TenantId,
    mode: Mode,
    query: &ConversionQuery,
) -> Result<Vec<WayCounts>, StoreError> {
    let after = query.after.clone().unwrap_or_default();
    let values = vec![
        tenant.to_string().into(),
        mode.as_str().into(),
        query.from.micros().into(),
        query.to.micros().into(),
        query.country.map(|country| country.as_str().to_owned()).unwrap_or_default().into(),
        match query.by {
            By::Provider => 1,
            By::Country => 2,
            By::Prefix => 3,
        }
        .into(),
        after.provider.into(),
        after.country.into(),
        after.prefix.into(),
        i64::from(query.limit).into(),
    ];
    sql.query(&SUM_CONVERSIONS, values).await?.iter().map(read_way).collect()
}

fn read_way(row: &Row) -> Result<WayCounts, StoreError> {
    let text = |index| row.text(index).map(str::to_owned);
    let mut counts = Conversions::default();
    for (index, count) in counts.0.iter_mut().enumerate() {
        *count = u64::try_from(row.int(index + 3)?).map_err(|_| row.corrupt())?;
    }
    Ok(WayCounts { way: Way { provider: text(0)?, country: text(1)?, prefix: text(2)? }, counts })
}

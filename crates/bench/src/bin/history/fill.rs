//! A history of 90 days. One tenant has six tenths of all verifications, and 250 tenants share the rest. Half
//! of that rest is in test mode, which the first tenant never uses. Eight of ten verifications are approved.
//! Most phone numbers have four verifications; a hundred numbers have one in 5,000 each.

use crate::statement;
use anyhow::{Context, Result};
use countersign_core::{
    id::{ProfileId, TenantId},
    keyring::Fingerprint,
    time::Timestamp,
};
use countersign_stores::sql::{
    Kind::{Int, Text},
    Sql, Value,
};
use std::time::Duration;

/// The default of `history.retention`.
const SPAN: Duration = Duration::from_secs(90 * 24 * 3_600);
/// The number of rows of one statement: as many as a server inserts before the time-out.
const AT_ONCE: u64 = 5_000;
const WEEK: u64 = 7 * 24 * 3_600 * 1_000_000;
const TENANTS: u8 = 250;
pub const PROFILES: u8 = 5;

/// The tenant with most of the history.
pub fn big() -> TenantId {
    TenantId::from_bytes([1; 16])
}

/// A tenant among those that share the rest.
pub fn small(number: u8) -> TenantId {
    TenantId::from_bytes([100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number % TENANTS])
}

pub fn profile(number: u8) -> ProfileId {
    ProfileId::from_bytes([number % PROFILES; 16])
}

/// The fingerprint in a row of the statement below.
pub fn number(sql_bytes: &[u8]) -> Result<Fingerprint> {
    Ok(Fingerprint(sql_bytes.try_into().context("16 bytes")?))
}

/// From `n` the statement makes a time within the span, a random rest of the id, and all other values, by a
/// hash of `n` that gives the same values in each run. Several verifications may have the same millisecond,
/// because the rest of the id differs.
const INSERT: &str =
    "INSERT INTO verifications (id, created_at, tenant_id, mode, profile_id, key_id, country,
        number, contact, status, status_rank, started_at, expires_at, ended_at, checks, max_checks,
        sends, max_sends, message_id, delivery, provider, provider_at)
    SELECT 'ver_' || base32(at, 45) || base32(at, 40) || base32(at, 35) || base32(at, 30) || base32(at, 25)
            || base32(at, 20) || base32(at, 15) || base32(at, 10) || base32(at, 5) || base32(at, 0)
            || substr(hash, 1, 16),
        at * 1000, tenant, CASE WHEN tenant <> $4 AND hash < '8' THEN 'test' ELSE 'live' END, profile, 'key_00000000000000000000000000', 'PL',
        decode(md5(tenant || person), 'hex'), decode(repeat(hash, 3), 'hex'), status,
        CASE status WHEN 'pending' THEN 0 WHEN 'approved' THEN 5 ELSE 2 END, at * 1000, (at + 300000) * 1000,
        CASE WHEN status <> 'pending' THEN (at + 20000) * 1000 END, 0, 5, 1, 5,
        'msg_' || substr(hash, 1, 26), 2, 'relay', at * 1000
    FROM (SELECT at, hash,
            CASE WHEN chance % 10 < 6 THEN $4
                ELSE substr($5, 1, 28) || substr($6, 1 + 2 * (chance / 10 % $7)::int, 2) END AS tenant,
            substr($8, 1 + 30 * (chance / 1000 % $9)::int, 30) AS profile,
            CASE WHEN chance / 7 % 50 = 0 THEN chance / 350 % 100 ELSE n % ($10 / 4 + 1) END AS person,
            CASE WHEN at > $11 - 300000 THEN 'pending'
                ELSE (ARRAY['expired', 'canceled', 'approved', 'failed', 'approved', 'approved', 'exhausted',
                    'approved', 'expired', 'approved', 'approved', 'approved', 'approved', 'approved',
                    'approved', 'approved', 'approved', 'approved', 'approved', 'approved'])
                    [1 + chance / 100000 % 20] END AS status
        FROM (SELECT n, $3 + n * $12 / $10 AS at, md5(n || 'v') AS hash,
                ('x' || substr(md5(n || 'c'), 1, 14))::bit(56)::bigint AS chance
            FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS one) AS two";

pub async fn fill(sql: &Sql, verifications: u64, now: Timestamp) -> Result<()> {
    let base32 = "CREATE FUNCTION base32(value bigint, shift int) RETURNS text LANGUAGE sql IMMUTABLE AS
        $$SELECT substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((value >> shift) & 31)::int, 1)$$";
    sql.execute(statement(base32.to_owned(), &[]), vec![]).await?;
    let from = now - SPAN;
    let mut week = from.micros().unsigned_abs();
    while week < now.micros().unsigned_abs() {
        let make = statement("SELECT CAST(history_make_week(history_week_of($1)) AS int)".to_owned(), &[Int]);
        sql.query(make, vec![week.cast_signed().into()]).await?;
        week += WEEK;
    }
    let kinds = &[Int, Int, Int, Text, Text, Text, Int, Text, Int, Int, Int, Int];
    let insert = statement(INSERT.to_owned(), kinds);
    let endings: String = (0..TENANTS).map(|n| small(n).to_string()[28..].to_owned()).collect();
    let profiles: String = (0..PROFILES).map(|n| profile(n).to_string()).collect();
    let mut done = 0;
    while done < verifications {
        let end = (done + AT_ONCE).min(verifications);
        let values: Vec<Value> = vec![
            done.cast_signed().into(),
            end.cast_signed().into(),
            from.millis().into(),
            big().to_string().into(),
            small(0).to_string().into(),
            endings.as_str().into(),
            i64::from(TENANTS).into(),
            profiles.as_str().into(),
            i64::from(PROFILES).into(),
            verifications.cast_signed().into(),
            now.millis().into(),
            i64::try_from(SPAN.as_millis())?.into(),
        ];
        sql.execute(insert, values).await?;
        done = end;
        if done.is_multiple_of(200 * AT_ONCE) {
            eprintln!("{done} verifications");
        }
    }
    Ok(())
}

/// Autovacuum would do this by itself, sooner or later.
pub async fn analyze(sql: &Sql) -> Result<()> {
    for table in partitions(sql).await? {
        sql.execute(statement(format!("ANALYZE {table}"), &[]), vec![]).await?;
    }
    Ok(())
}

async fn partitions(sql: &Sql) -> Result<Vec<String>> {
    let text = "SELECT CAST(inhrelid AS regclass)::text FROM pg_inherits WHERE inhparent = 'verifications'::regclass";
    let rows = sql.query(statement(text.to_owned(), &[]), vec![]).await?;
    rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}

/// The number of weekly partitions with rows, the number of their rows, and their size in bytes.
pub async fn size(sql: &Sql) -> Result<(usize, i64, i64)> {
    let text = "SELECT pg_total_relation_size(inhrelid), reltuples::bigint
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'verifications'::regclass AND reltuples > 0";
    let rows = sql.query(statement(text.to_owned(), &[]), vec![]).await?;
    let sum = |index| rows.iter().map(|row| row.int(index)).sum::<Result<i64, _>>();
    Ok((rows.len(), sum(1)?, sum(0)?))
}

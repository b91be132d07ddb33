-- Codes on SQLite. Records are packed (see `Record::pack` and `NumberRecord::pack`
-- in the core crate); keys are tenant, mode and id or fingerprint, in this order.
CREATE TABLE IF NOT EXISTS verifications (
    key BLOB NOT NULL PRIMARY KEY,
    record BLOB NOT NULL,
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS verifications_kept_until ON verifications (kept_until);

CREATE TABLE IF NOT EXISTS numbers (
    key BLOB NOT NULL PRIMARY KEY,
    record BLOB NOT NULL,
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_kept_until ON numbers (kept_until);

-- The outbox. `attempt` counts claims, and is below zero while none holds the message; phase 0 waits to be sent, 1 and 2 wait
-- to report a receipt (delivered, undelivered), 3 to 10 for the receipt of the 1 to 8 providers that were asked.
CREATE TABLE IF NOT EXISTS due (
    message BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    key BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    phase INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_at ON due (at);
-- A claim takes of each tenant in turn.
CREATE INDEX IF NOT EXISTS due_tenant ON due (substr(key, 1, 16), at);

-- Limits: when all that was taken from a bucket is regained (GCRA).
CREATE TABLE IF NOT EXISTS buckets (
    key BLOB NOT NULL PRIMARY KEY,
    full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS buckets_full_at ON buckets (full_at);

-- Members' pools: the parts that were taken in a month, which is year * 100 + month.
CREATE TABLE IF NOT EXISTS pools (
    key BLOB NOT NULL PRIMARY KEY,
    month INTEGER NOT NULL,
    used INTEGER NOT NULL,
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pools_kept_until ON pools (kept_until);

-- What came of requests with an Idempotency-Key.
CREATE TABLE IF NOT EXISTS outcomes (
    slot BLOB NOT NULL PRIMARY KEY,
    outcome BLOB NOT NULL,
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outcomes_kept_until ON outcomes (kept_until);

-- Which message it is that a provider calls so, or the receipt that came
-- before that was known (see `Match::pack` in the core crate).
CREATE TABLE IF NOT EXISTS provider_messages (
    slot BLOB NOT NULL PRIMARY KEY,
    found BLOB NOT NULL,
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS provider_messages_kept_until ON provider_messages (kept_until);

-- Events that the history does not have yet. `who` is the packed author (see `Who::pack` in the core crate); it is
-- null for events of the server itself, and for starts by a key, which the body names.
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    who BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS events_key ON events (key, seq);

-- Of a former version.
DROP INDEX IF EXISTS events_recorded_at;

-- The events that wait, up to `seq`, as they were last counted, and when that
-- was: a clock that was set back shows by it.
CREATE TABLE IF NOT EXISTS backlog (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

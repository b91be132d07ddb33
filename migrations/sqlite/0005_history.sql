-- What became of every verification, event by event, and how often each thing happened in each hour.
--
-- `created_at` is the time inside the id of the verification, for its events
-- too, so that whoever knows the id reads one partition. A row may be made by
-- a later event before its start arrives: what only the start knows is null
-- until then. `number` and `contact` are null again once they were erased.
-- `delivery` is 0 queued, 1 sent, 2 delivered, 3 undelivered, of `message_id`.
CREATE TABLE verifications (
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    tenant_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    profile_id TEXT,
    key_id TEXT,
    country TEXT,
    number BLOB,
    contact BLOB,
    status TEXT NOT NULL,
    status_rank INTEGER NOT NULL,
    started_at INTEGER,
    expires_at INTEGER,
    ended_at INTEGER,
    checks INTEGER NOT NULL,
    max_checks INTEGER,
    sends INTEGER NOT NULL,
    max_sends INTEGER,
    message_id TEXT NOT NULL,
    delivery INTEGER NOT NULL,
    provider TEXT,
    provider_at INTEGER NOT NULL,
    PRIMARY KEY (id, created_at)
) STRICT;

CREATE INDEX verifications_of_tenant ON verifications (tenant_id, mode, id);
CREATE INDEX verifications_by_status ON verifications (tenant_id, mode, status, id);
CREATE INDEX verifications_by_profile ON verifications (tenant_id, mode, profile_id, status, id);
CREATE INDEX verifications_by_number ON verifications (tenant_id, mode, number, id) WHERE number IS NOT NULL;
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE status = 'pending';

CREATE TABLE events (
    verification_id TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (verification_id, id, created_at)
) STRICT, WITHOUT ROWID;

-- Empty texts stand for what is not known: a key column holds no null.
CREATE TABLE rollups (
    tenant_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    hour INTEGER NOT NULL,
    profile_id TEXT NOT NULL,
    country TEXT NOT NULL,
    provider TEXT NOT NULL,
    started INTEGER NOT NULL,
    resent INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    undelivered INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    exhausted INTEGER NOT NULL,
    canceled INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, mode, hour, profile_id, country, provider)
) STRICT;

CREATE INDEX rollups_hour ON rollups (hour);

-- Events that cannot be recorded, for people to look at.
CREATE TABLE dead_events (
    id TEXT PRIMARY KEY NOT NULL,
    verification_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE INDEX dead_events_at ON dead_events (at);

-- Numbers that were taken out: a start up to then that arrives late is recorded without its number.
CREATE TABLE erasures (
    tenant_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    number BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, mode, number)
) STRICT;

-- How far the jobs in the background got, each in its own words.
CREATE TABLE jobs (
    name TEXT PRIMARY KEY NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- Recorders and erasures take turns on its one row.
CREATE TABLE history_turn (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    n INTEGER NOT NULL
) STRICT;

INSERT INTO history_turn (only_row, n) VALUES (1, 0);

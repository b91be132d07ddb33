-- What became of every verification, event by event, and how often each thing happened in each hour.
--
-- `created_at` is the time inside the id of the verification, for its events
-- too, so that whoever knows the id reads one partition. A row may be made by
-- a later event before its start arrives: what only the start knows is null
-- until then. `number` and `contact` are null again once they were erased.
-- `delivery` is 0 queued, 1 sent, 2 delivered, 3 undelivered, of `message_id`.
CREATE TABLE verifications (
    id text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    profile_id text COLLATE "C",
    key_id text COLLATE "C",
    country text COLLATE "C",
    number bytea,
    contact bytea,
    status text COLLATE "C" NOT NULL,
    status_rank bigint NOT NULL,
    started_at bigint,
    expires_at bigint,
    ended_at bigint,
    checks bigint NOT NULL,
    max_checks bigint,
    sends bigint NOT NULL,
    max_sends bigint,
    message_id text COLLATE "C" NOT NULL,
    delivery bigint NOT NULL,
    provider text COLLATE "C",
    provider_at bigint NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE verifications_default PARTITION OF verifications DEFAULT;

CREATE INDEX verifications_of_tenant ON verifications (tenant_id, mode, id);
CREATE INDEX verifications_by_status ON verifications (tenant_id, mode, status, id);
CREATE INDEX verifications_by_profile ON verifications (tenant_id, mode, profile_id, status, id);
CREATE INDEX verifications_by_number ON verifications (tenant_id, mode, number, id) WHERE number IS NOT NULL;
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE status = 'pending';

CREATE TABLE events (
    verification_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    at bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (verification_id, id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE events_default PARTITION OF events DEFAULT;

-- Empty texts stand for what is not known: a key column holds no null.
CREATE TABLE rollups (
    tenant_id text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    hour bigint NOT NULL,
    profile_id text COLLATE "C" NOT NULL,
    country text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    started bigint NOT NULL,
    resent bigint NOT NULL,
    sent bigint NOT NULL,
    retried bigint NOT NULL,
    rejected bigint NOT NULL,
    dropped bigint NOT NULL,
    delivered bigint NOT NULL,
    undelivered bigint NOT NULL,
    wrong bigint NOT NULL,
    approved bigint NOT NULL,
    exhausted bigint NOT NULL,
    canceled bigint NOT NULL,
    expired bigint NOT NULL,
    failed bigint NOT NULL,
    PRIMARY KEY (tenant_id, mode, hour, profile_id, country, provider)
);

CREATE INDEX rollups_hour ON rollups (hour);

-- Events that cannot be recorded, for people to look at.
CREATE TABLE dead_events (
    id text COLLATE "C" PRIMARY KEY NOT NULL,
    verification_id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    reason text NOT NULL
);

CREATE INDEX dead_events_at ON dead_events (at);

-- Numbers that were taken out: a start up to then that arrives late is recorded without its number.
CREATE TABLE erasures (
    tenant_id text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    number bytea NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, mode, number)
);

-- How far the jobs in the background got, each in its own words.
CREATE TABLE jobs (
    name text COLLATE "C" PRIMARY KEY NOT NULL,
    state text NOT NULL
);

-- Recorders and erasures take turns on its one row.
CREATE TABLE history_turn (
    only_row bigint PRIMARY KEY CHECK (only_row = 1),
    n bigint NOT NULL
);

INSERT INTO history_turn (only_row, n) VALUES (1, 0);

-- What persons sign in with, their sessions and browsers. Nodes that do not know these tables leave them.
ALTER TABLE people ADD COLUMN password text;
ALTER TABLE people ADD COLUMN password_at bigint;
ALTER TABLE people ADD COLUMN phone bytea;
ALTER TABLE people ADD COLUMN phone_mark bytea;
ALTER TABLE people ADD COLUMN phone_at bigint;
ALTER TABLE people ADD COLUMN session_idle bigint;
ALTER TABLE people ADD COLUMN session_total bigint;
ALTER TABLE people ADD COLUMN reset_2fa_at bigint;

CREATE INDEX people_by_reset ON people (reset_2fa_at) WHERE reset_2fa_at IS NOT NULL;

CREATE TABLE former_passwords (
    person_id text COLLATE "C" NOT NULL,
    made_at bigint NOT NULL,
    password text NOT NULL,
    PRIMARY KEY (person_id, made_at)
);

CREATE TABLE recovery_codes (
    person_id text COLLATE "C" NOT NULL,
    mark bytea NOT NULL,
    PRIMARY KEY (person_id, mark)
);

CREATE TABLE devices (
    id text COLLATE "C" PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    agent text NOT NULL,
    made_at bigint NOT NULL,
    seen_at bigint NOT NULL
);

CREATE INDEX devices_by_seen ON devices (seen_at);

CREATE TABLE device_people (
    person_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    trusted_at bigint,
    mailed_at bigint,
    PRIMARY KEY (person_id, device_id)
);

CREATE INDEX device_people_by_device ON device_people (device_id);

CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    person_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C",
    factors text NOT NULL,
    invited bigint NOT NULL,
    signed_in_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    address text NOT NULL,
    flash bytea
);

CREATE INDEX sessions_by_person ON sessions (person_id, seen_at);
CREATE INDEX sessions_by_tenant ON sessions (tenant_id, seen_at) WHERE tenant_id IS NOT NULL;
CREATE INDEX sessions_by_seen ON sessions (seen_at);

CREATE TABLE half_sign_ins (
    secret_hash bytea PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    device_id text COLLATE "C",
    verification text,
    sends bigint NOT NULL,
    wrong_recovery bigint NOT NULL,
    made_at bigint NOT NULL,
    expires_at bigint NOT NULL
);

CREATE INDEX half_sign_ins_by_person ON half_sign_ins (person_id);
CREATE INDEX half_sign_ins_by_end ON half_sign_ins (expires_at);

-- The proof of a session that waits for its code: at most one.
CREATE TABLE proofs (
    session_id text COLLATE "C" PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    act text NOT NULL,
    object text NOT NULL,
    digest bytea NOT NULL,
    verification text,
    sends bigint NOT NULL,
    sealed bytea,
    made_at bigint NOT NULL,
    expires_at bigint NOT NULL
);

CREATE INDEX proofs_by_person ON proofs (person_id);
CREATE INDEX proofs_by_end ON proofs (expires_at);

-- A link that was used stays without what it carried until it expires, because it counts in the bound of an hour.
CREATE TABLE links (
    secret_hash bytea PRIMARY KEY,
    kind text NOT NULL,
    person_id text COLLATE "C",
    epoch bigint NOT NULL,
    sealed bytea,
    made_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint
);

CREATE INDEX links_by_person ON links (person_id, kind, made_at);
CREATE INDEX links_by_end ON links (expires_at);

-- Guesses of an hour have the same text in `guesses` and a place each; the last place counts the further ones.
CREATE TABLE sign_ins (
    id text COLLATE "C" PRIMARY KEY,
    at bigint NOT NULL,
    outcome text NOT NULL,
    person_id text COLLATE "C",
    email bytea NOT NULL,
    tenant_id text COLLATE "C",
    address text NOT NULL,
    country text,
    device_id text COLLATE "C",
    agent text NOT NULL,
    number bigint NOT NULL,
    guesses text COLLATE "C",
    place bigint NOT NULL,
    UNIQUE (guesses, place)
);

CREATE INDEX sign_ins_by_person ON sign_ins (person_id, id);
CREATE INDEX sign_ins_by_tenant ON sign_ins (tenant_id, person_id, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX sign_ins_by_time ON sign_ins (at);

-- A form that came after the session had ended: the last one of a person.
CREATE TABLE late_forms (
    person_id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C",
    sealed bytea NOT NULL,
    expires_at bigint NOT NULL
);

CREATE INDEX late_forms_by_end ON late_forms (expires_at);

-- Failures of signing in, by a keyed hash of what is counted.
CREATE TABLE sign_in_waits (
    key bytea PRIMARY KEY,
    failures bigint NOT NULL,
    since bigint NOT NULL,
    last bigint NOT NULL,
    until bigint NOT NULL
);

CREATE INDEX sign_in_waits_by_last ON sign_in_waits (last);

-- The mark that a person existed once. From then on, no link makes the operator's first person.
CREATE TABLE first_person (
    only_row bigint PRIMARY KEY CHECK (only_row = 1),
    at bigint NOT NULL
);

INSERT INTO first_person (only_row, at) SELECT 1, min(created_at) FROM people HAVING count(*) > 0;

-- What persons sign in with, their sessions and browsers. Nodes that do not know these tables leave them.
ALTER TABLE people ADD COLUMN password TEXT;
ALTER TABLE people ADD COLUMN password_at INTEGER;
ALTER TABLE people ADD COLUMN phone BLOB;
ALTER TABLE people ADD COLUMN phone_mark BLOB;
ALTER TABLE people ADD COLUMN phone_at INTEGER;
ALTER TABLE people ADD COLUMN session_idle INTEGER;
ALTER TABLE people ADD COLUMN session_total INTEGER;
ALTER TABLE people ADD COLUMN reset_2fa_at INTEGER;

CREATE INDEX people_by_reset ON people (reset_2fa_at) WHERE reset_2fa_at IS NOT NULL;

CREATE TABLE former_passwords (
    person_id TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    password TEXT NOT NULL,
    PRIMARY KEY (person_id, made_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    person_id TEXT NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (person_id, mark)
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    id TEXT PRIMARY KEY NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

CREATE INDEX devices_by_seen ON devices (seen_at);

CREATE TABLE device_people (
    person_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    trusted_at INTEGER,
    mailed_at INTEGER,
    PRIMARY KEY (person_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX device_people_by_device ON device_people (device_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    person_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    tenant_id TEXT,
    factors TEXT NOT NULL,
    invited INTEGER NOT NULL,
    signed_in_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    flash BLOB
) STRICT;

CREATE INDEX sessions_by_person ON sessions (person_id, seen_at);
CREATE INDEX sessions_by_tenant ON sessions (tenant_id, seen_at) WHERE tenant_id IS NOT NULL;
CREATE INDEX sessions_by_seen ON sessions (seen_at);

CREATE TABLE half_sign_ins (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    device_id TEXT,
    verification TEXT,
    sends INTEGER NOT NULL,
    wrong_recovery INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX half_sign_ins_by_person ON half_sign_ins (person_id);
CREATE INDEX half_sign_ins_by_end ON half_sign_ins (expires_at);

-- The proof of a session that waits for its code: at most one.
CREATE TABLE proofs (
    session_id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    act TEXT NOT NULL,
    object TEXT NOT NULL,
    digest BLOB NOT NULL,
    verification TEXT,
    sends INTEGER NOT NULL,
    sealed BLOB,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX proofs_by_person ON proofs (person_id);
CREATE INDEX proofs_by_end ON proofs (expires_at);

-- A link that was used stays without what it carried until it expires, because it counts in the bound of an hour.
CREATE TABLE links (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    person_id TEXT,
    epoch INTEGER NOT NULL,
    sealed BLOB,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX links_by_person ON links (person_id, kind, made_at);
CREATE INDEX links_by_end ON links (expires_at);

-- Guesses of an hour have the same text in `guesses` and a place each; the last place counts the further ones.
CREATE TABLE sign_ins (
    id TEXT PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    person_id TEXT,
    email BLOB NOT NULL,
    tenant_id TEXT,
    address TEXT NOT NULL,
    country TEXT,
    device_id TEXT,
    agent TEXT NOT NULL,
    number INTEGER NOT NULL,
    guesses TEXT,
    place INTEGER NOT NULL,
    UNIQUE (guesses, place)
) STRICT;

CREATE INDEX sign_ins_by_person ON sign_ins (person_id, id);
CREATE INDEX sign_ins_by_tenant ON sign_ins (tenant_id, person_id, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX sign_ins_by_time ON sign_ins (at);

-- A form that came after the session had ended: the last one of a person.
CREATE TABLE late_forms (
    person_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT,
    sealed BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX late_forms_by_end ON late_forms (expires_at);

-- Failures of signing in, by a keyed hash of what is counted.
CREATE TABLE sign_in_waits (
    key BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,
    last INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_waits_by_last ON sign_in_waits (last);

-- The mark that a person existed once. From then on, no link makes the operator's first person.
CREATE TABLE first_person (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    at INTEGER NOT NULL
) STRICT;

INSERT INTO first_person (only_row, at) SELECT 1, min(created_at) FROM people HAVING count(*) > 0;

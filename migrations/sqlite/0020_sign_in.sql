-- Failures of signing in, by a keyed hash of what is counted.
CREATE TABLE sign_in_waits (
    key BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,
    last INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_waits_by_last ON sign_in_waits (last);

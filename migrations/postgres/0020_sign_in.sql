-- Failures of signing in, by a keyed hash of what is counted.
CREATE TABLE sign_in_waits (
    key bytea PRIMARY KEY,
    failures bigint NOT NULL,
    since bigint NOT NULL,
    last bigint NOT NULL,
    until bigint NOT NULL
);

CREATE INDEX sign_in_waits_by_last ON sign_in_waits (last);

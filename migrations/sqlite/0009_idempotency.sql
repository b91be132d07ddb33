-- Idempotency-Keys of requests that made a secret: a keyed hash of the request, never what came of it.
CREATE TABLE idempotency (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    slot BLOB NOT NULL,
    request BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, slot)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_time ON idempotency (at);

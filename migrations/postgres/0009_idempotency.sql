-- Idempotency-Keys of requests that made a secret: a keyed hash of the request, never what came of it.
CREATE TABLE idempotency (
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    slot bytea NOT NULL,
    request bytea NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant_id, slot)
);

CREATE INDEX idempotency_by_time ON idempotency (at);

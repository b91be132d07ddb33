-- What tenants set up for delivery: providers, senders, routes, templates, webhooks. Each is one text, read by the node as a whole.
CREATE TABLE resources (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    sealed BLOB,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (tenant_id, kind, name)
) STRICT;

-- The operator's own: what is shared with tenants. It has no keys, and no list shows it.
INSERT INTO tenants (id, name, created_at) VALUES ('ten_00000000000000000000000000', 'Operator', 0);

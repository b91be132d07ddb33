-- What tenants set up for delivery: providers, senders, routes, templates, webhooks. Each is one text, read by the node as a whole.
CREATE TABLE resources (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    body text NOT NULL,
    sealed bytea,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE (tenant_id, kind, name)
);

-- The operator's own: what is shared with tenants. It has no keys, and no list shows it.
INSERT INTO tenants (id, name, created_at) VALUES ('ten_00000000000000000000000000', 'Operator', 0);

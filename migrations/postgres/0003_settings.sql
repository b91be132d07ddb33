-- What a tenant has set (limits, countries, allowlists): one text for each name, read by the node as a whole.
CREATE TABLE settings (
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    name text COLLATE "C" NOT NULL,
    value text NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

ALTER TABLE profiles ADD COLUMN limits text NOT NULL DEFAULT '';

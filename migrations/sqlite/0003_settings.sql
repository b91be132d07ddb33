-- What a tenant has set (limits, countries, allowlists): one text for each name, read by the node as a whole.
CREATE TABLE settings (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE profiles ADD COLUMN limits TEXT NOT NULL DEFAULT '';

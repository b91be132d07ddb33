-- Which address used which key, to build allowlists from. A deleted key's rows stay until they are old: they tell who used it.
CREATE TABLE key_addresses (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    key_id TEXT NOT NULL,
    address TEXT NOT NULL,
    uses INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    first_used_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key_id, address)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_addresses_by_last_use ON key_addresses (tenant_id, last_used_at, key_id, address);

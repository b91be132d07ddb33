-- Which address used which key, to build allowlists from. A deleted key's rows stay until they are old: they tell who used it.
CREATE TABLE key_addresses (
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    key_id text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    uses bigint NOT NULL,
    refused bigint NOT NULL,
    first_used_at bigint NOT NULL,
    last_used_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key_id, address)
);

CREATE INDEX key_addresses_by_last_use ON key_addresses (tenant_id, last_used_at, key_id, address);

-- Who may call and under which rules: tenants, their profiles and their keys.
CREATE TABLE tenants (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE profiles (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    code_length INTEGER NOT NULL,
    code_alphabet TEXT NOT NULL,
    expires_in_s INTEGER NOT NULL,
    max_checks INTEGER NOT NULL,
    max_sends INTEGER NOT NULL,
    resend_policy TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE keys (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    mode TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    disabled INTEGER NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    version INTEGER NOT NULL
) STRICT;

CREATE INDEX keys_of_tenant ON keys (tenant_id, id);

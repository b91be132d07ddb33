-- Who may call and under which rules: tenants, their profiles and their keys.
CREATE TABLE tenants (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE profiles (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    name text COLLATE "C" NOT NULL,
    code_length bigint NOT NULL,
    code_alphabet text NOT NULL,
    expires_in_s bigint NOT NULL,
    max_checks bigint NOT NULL,
    max_sends bigint NOT NULL,
    resend_policy text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE keys (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    mode text NOT NULL,
    name text NOT NULL,
    scopes text NOT NULL,
    secret_hash bytea NOT NULL,
    disabled bigint NOT NULL,
    expires_at bigint,
    created_at bigint NOT NULL,
    last_used_at bigint,
    version bigint NOT NULL
);

CREATE INDEX keys_of_tenant ON keys (tenant_id, id);

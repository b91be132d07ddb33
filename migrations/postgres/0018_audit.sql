-- The audit log: one chain of entries for each tenant, its head, and the entry after which it begins.
CREATE TABLE audit (
    tenant_id text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    acting_for text,
    address text,
    request text,
    action text NOT NULL,
    object text COLLATE "C" NOT NULL,
    state_before text,
    state_after text,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant_id, n)
);

CREATE INDEX audit_by_object ON audit (tenant_id, object, n);
CREATE INDEX audit_by_actor ON audit (tenant_id, actor, n);
CREATE INDEX audit_by_time ON audit (tenant_id, at, n);

CREATE TABLE audit_heads (
    tenant_id text COLLATE "C" NOT NULL PRIMARY KEY,
    n bigint NOT NULL,
    hash bytea NOT NULL,
    mac_version bigint NOT NULL,
    mac bytea NOT NULL
);

CREATE TABLE audit_anchors (
    tenant_id text COLLATE "C" NOT NULL PRIMARY KEY,
    n bigint NOT NULL,
    hash bytea NOT NULL,
    mac_version bigint NOT NULL,
    mac bytea NOT NULL
);

-- The audit log: one chain of entries for each tenant, its head, and the entry after which it begins.
CREATE TABLE audit (
    tenant_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    acting_for TEXT,
    address TEXT,
    request TEXT,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    state_before TEXT,
    state_after TEXT,
    hash BLOB NOT NULL,
    PRIMARY KEY (tenant_id, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_object ON audit (tenant_id, object, n);
CREATE INDEX audit_by_actor ON audit (tenant_id, actor, n);
CREATE INDEX audit_by_time ON audit (tenant_id, at, n);

CREATE TABLE audit_heads (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    n INTEGER NOT NULL,
    hash BLOB NOT NULL,
    mac_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_anchors (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    n INTEGER NOT NULL,
    hash BLOB NOT NULL,
    mac_version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

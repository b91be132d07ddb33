-- What `countersign apply` made from which source: it deletes nothing else.
CREATE TABLE applied (
    source TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, tenant_id, kind, entity_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX applied_by_tenant ON applied (tenant_id);

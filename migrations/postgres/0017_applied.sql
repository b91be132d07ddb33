-- What `countersign apply` made from which source: it deletes nothing else.
CREATE TABLE applied (
    source text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    kind text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (source, tenant_id, kind, entity_id)
);

CREATE INDEX applied_by_tenant ON applied (tenant_id);

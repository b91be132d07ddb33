-- Tenants that are disabled, or deleted and to be erased. Nodes that do not know the columns leave them, and serve the tenant on.
ALTER TABLE tenants ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE tenants ADD COLUMN disabled_at bigint;
ALTER TABLE tenants ADD COLUMN deleted_at bigint;
ALTER TABLE tenants ADD COLUMN erasing bigint NOT NULL DEFAULT 0;

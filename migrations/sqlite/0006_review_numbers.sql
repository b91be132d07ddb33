-- Numbers that app reviewers sign in with: a fixed code each, nothing sent, an end.
CREATE TABLE review_numbers (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    number BLOB NOT NULL,
    sealed BLOB NOT NULL,
    ends_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, number)
) STRICT;

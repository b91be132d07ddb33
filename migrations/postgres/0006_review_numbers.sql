-- Numbers that app reviewers sign in with: a fixed code each, nothing sent, an end.
CREATE TABLE review_numbers (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    number bytea NOT NULL,
    sealed bytea NOT NULL,
    ends_at bigint NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (tenant_id, number)
);

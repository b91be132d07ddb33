-- Persons, their memberships of tenants, invitations, and the keys of members. Nodes that do not know the columns leave them, and accept a member's key without its limits.
CREATE TABLE people (
    id text COLLATE "C" PRIMARY KEY,
    email bytea NOT NULL UNIQUE,
    sealed bytea NOT NULL,
    language text NOT NULL,
    zone text NOT NULL,
    epoch bigint NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE members (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    person_id text COLLATE "C" NOT NULL,
    disabled bigint NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    role text NOT NULL,
    permissions text NOT NULL,
    zone text NOT NULL,
    hours text NOT NULL,
    senders text NOT NULL,
    templates text NOT NULL,
    profiles text NOT NULL,
    subject_groups text NOT NULL,
    pool bigint,
    most_parts bigint,
    UNIQUE (tenant_id, person_id)
);

CREATE INDEX members_by_tenant ON members (tenant_id, id);
CREATE INDEX members_by_person ON members (person_id);
CREATE INDEX members_owners ON members (tenant_id) WHERE role = 'owner';

-- An invitation that was accepted or withdrawn has no address any more. Its row counts in the bound of a day.
CREATE TABLE invitations (
    id text COLLATE "C" PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenants (id),
    email bytea,
    sealed bytea,
    author text NOT NULL,
    secret_hash bytea NOT NULL,
    expires_at bigint NOT NULL,
    sends bigint NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    role text NOT NULL,
    permissions text NOT NULL,
    zone text NOT NULL,
    hours text NOT NULL,
    senders text NOT NULL,
    templates text NOT NULL,
    profiles text NOT NULL,
    subject_groups text NOT NULL,
    pool bigint,
    most_parts bigint,
    UNIQUE (tenant_id, email)
);

CREATE INDEX invitations_by_tenant ON invitations (tenant_id, id);

ALTER TABLE keys ADD COLUMN member text COLLATE "C";
ALTER TABLE keys ADD COLUMN made_by text;
ALTER TABLE keys ADD COLUMN profiles text;
CREATE INDEX keys_by_member ON keys (tenant_id, member) WHERE member IS NOT NULL;

-- The packed author of an event. It is null for events of the server itself, for starts by a key, which the body names,
-- and for events that a node of an older release recorded.
ALTER TABLE events ADD COLUMN who bytea;

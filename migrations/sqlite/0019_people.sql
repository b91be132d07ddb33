-- Persons, their memberships of tenants, invitations, and the keys of members. Nodes that do not know the columns leave them, and accept a member's key without its limits.
CREATE TABLE people (
    id TEXT PRIMARY KEY NOT NULL,
    email BLOB NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    language TEXT NOT NULL,
    zone TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    person_id TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    role TEXT NOT NULL,
    permissions TEXT NOT NULL,
    zone TEXT NOT NULL,
    hours TEXT NOT NULL,
    senders TEXT NOT NULL,
    templates TEXT NOT NULL,
    profiles TEXT NOT NULL,
    subject_groups TEXT NOT NULL,
    pool INTEGER,
    most_parts INTEGER,
    UNIQUE (tenant_id, person_id)
) STRICT;

CREATE INDEX members_by_tenant ON members (tenant_id, id);
CREATE INDEX members_by_person ON members (person_id);
CREATE INDEX members_owners ON members (tenant_id) WHERE role = 'owner';

-- An invitation that was accepted or withdrawn has no address any more. Its row counts in the bound of a day.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    email BLOB,
    sealed BLOB,
    author TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    sends INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    role TEXT NOT NULL,
    permissions TEXT NOT NULL,
    zone TEXT NOT NULL,
    hours TEXT NOT NULL,
    senders TEXT NOT NULL,
    templates TEXT NOT NULL,
    profiles TEXT NOT NULL,
    subject_groups TEXT NOT NULL,
    pool INTEGER,
    most_parts INTEGER,
    UNIQUE (tenant_id, email)
) STRICT;

CREATE INDEX invitations_by_tenant ON invitations (tenant_id, id);

ALTER TABLE keys ADD COLUMN member TEXT;
ALTER TABLE keys ADD COLUMN made_by TEXT;
ALTER TABLE keys ADD COLUMN profiles TEXT;
CREATE INDEX keys_by_member ON keys (tenant_id, member) WHERE member IS NOT NULL;

-- The packed author of an event. It is null for events of the server itself, for starts by a key, which the body names,
-- and for events that a node of an older release recorded.
ALTER TABLE events ADD COLUMN who BLOB;

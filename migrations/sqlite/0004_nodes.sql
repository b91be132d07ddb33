-- Which processes serve and which key versions each has, so that none is used before all can read it.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    program TEXT NOT NULL,
    mac_versions TEXT NOT NULL,
    seal_versions TEXT NOT NULL,
    changed_at INTEGER
) STRICT;

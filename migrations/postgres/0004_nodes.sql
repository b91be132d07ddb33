-- Which processes serve and which key versions each has, so that none is used before all can read it.
CREATE TABLE nodes (
    id text COLLATE "C" PRIMARY KEY,
    started_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    program text NOT NULL,
    mac_versions text NOT NULL,
    seal_versions text NOT NULL,
    changed_at bigint
);

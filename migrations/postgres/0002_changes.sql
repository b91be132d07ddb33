-- What changed in the directory, numbered in commit order, for the nodes that keep a copy in memory.
CREATE TABLE change_head (
    only_row bigint PRIMARY KEY CHECK (only_row = 1),
    n bigint NOT NULL
);

INSERT INTO change_head (only_row, n) VALUES (1, 0);

CREATE TABLE changes (
    n bigint PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    at bigint NOT NULL
);

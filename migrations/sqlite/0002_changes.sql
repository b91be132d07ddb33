-- What changed in the directory, numbered in commit order, for the nodes that keep a copy in memory.
CREATE TABLE change_head (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    n INTEGER NOT NULL
) STRICT;

INSERT INTO change_head (only_row, n) VALUES (1, 0);

CREATE TABLE changes (
    n INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

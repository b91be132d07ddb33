-- The mark of a database of `countersign dev`, whose keys and password everybody can read on a screen.
CREATE TABLE demo (
    only_row INTEGER PRIMARY KEY NOT NULL CHECK (only_row = 1),
    at INTEGER NOT NULL
) STRICT;

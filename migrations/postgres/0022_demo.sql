-- The mark of a database of `countersign dev`, whose keys and password everybody can read on a screen.
CREATE TABLE demo (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    at bigint NOT NULL
);

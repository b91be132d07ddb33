-- Mails and SMS to persons that contain no code, written with the change that they report.
-- A claim locks the row of notice_state, so that two workers never wait for each other's rows.
CREATE TABLE notice_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    claims INTEGER NOT NULL,
    dropped INTEGER NOT NULL
) STRICT;

INSERT INTO notice_state (only_row, claims, dropped) VALUES (1, 0, 0);

-- While a worker holds a notice, `due_at` is the end of its lease. The recipient is in `sealed`.
-- No reference to people: a notice about the end of an account outlives the person's row.
CREATE TABLE notices (
    id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    sealed BLOB NOT NULL,
    tries INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX notices_due ON notices (due_at, id);
CREATE INDEX notices_of_person ON notices (person_id, kind);

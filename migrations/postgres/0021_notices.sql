-- Mails and SMS to persons that contain no code, written with the change that they report.
-- A claim locks the row of notice_state, so that two workers never wait for each other's rows.
CREATE TABLE notice_state (
    only_row bigint PRIMARY KEY CHECK (only_row = 1),
    claims bigint NOT NULL,
    dropped bigint NOT NULL
);

INSERT INTO notice_state (only_row, claims, dropped) VALUES (1, 0, 0);

-- While a worker holds a notice, `due_at` is the end of its lease. The recipient is in `sealed`.
-- No reference to people: a notice about the end of an account outlives the person's row.
CREATE TABLE notices (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    person_id text COLLATE "C",
    kind text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    tries bigint NOT NULL,
    due_at bigint NOT NULL,
    made_at bigint NOT NULL
);

CREATE INDEX notices_due ON notices (due_at, id);
CREATE INDEX notices_of_person ON notices (person_id, kind);

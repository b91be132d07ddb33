-- What webhooks are to be told, written with what happened, and the log of the tries.
-- One row is locked by whoever claims, so that two workers never wait for each other's rows.
CREATE TABLE webhook_turn (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    n INTEGER NOT NULL
) STRICT;

INSERT INTO webhook_turn (only_row, n) VALUES (1, 0);

-- `due_at` is null once no try follows. While a worker holds the message, `claimed` is 1 and
-- `due_at` the end of its lease. No reference to a tenant or a webhook: the recorder must
-- never fail for one that was just deleted.
CREATE TABLE webhook_messages (
    webhook_id TEXT NOT NULL,
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    due_at INTEGER,
    claim INTEGER NOT NULL,
    claimed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_messages_due ON webhook_messages (webhook_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE webhook_attempts (
    webhook_id TEXT NOT NULL,
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    status_code INTEGER,
    duration_ms INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (webhook_id, id)
) STRICT, WITHOUT ROWID;

-- Since when every try of a webhook has failed; without a row, the last one did not.
CREATE TABLE webhook_failures (
    webhook_id TEXT PRIMARY KEY NOT NULL,
    since INTEGER NOT NULL
) STRICT;

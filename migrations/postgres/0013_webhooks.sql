-- What webhooks are to be told, written with what happened, and the log of the tries.
-- One row is locked by whoever claims, so that two workers never wait for each other's rows.
CREATE TABLE webhook_turn (
    only_row bigint PRIMARY KEY CHECK (only_row = 1),
    n bigint NOT NULL
);

INSERT INTO webhook_turn (only_row, n) VALUES (1, 0);

-- `due_at` is null once no try follows. While a worker holds the message, `claimed` is 1 and
-- `due_at` the end of its lease. No reference to a tenant or a webhook: the recorder must
-- never fail for one that was just deleted.
CREATE TABLE webhook_messages (
    webhook_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    body text NOT NULL,
    at bigint NOT NULL,
    due_at bigint,
    claim bigint NOT NULL,
    claimed bigint NOT NULL,
    attempts bigint NOT NULL,
    PRIMARY KEY (webhook_id, id)
);

CREATE INDEX webhook_messages_due ON webhook_messages (webhook_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE webhook_attempts (
    webhook_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    status_code bigint,
    duration_ms bigint NOT NULL,
    reason text,
    PRIMARY KEY (webhook_id, id)
);

-- Since when every try of a webhook has failed; without a row, the last one did not.
CREATE TABLE webhook_failures (
    webhook_id text COLLATE "C" PRIMARY KEY,
    since bigint NOT NULL
);

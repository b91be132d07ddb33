-- What became of what was sent, by day, provider, country and the first digits of the number.
-- A provider that took nothing is in no row; a number's calling code and three digits are no person.
CREATE TABLE conversions (
    tenant_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    day INTEGER NOT NULL,
    provider TEXT NOT NULL,
    country TEXT NOT NULL,
    prefix TEXT NOT NULL,
    sent INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    undelivered INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, mode, day, provider, country, prefix)
) STRICT, WITHOUT ROWID;

CREATE INDEX conversions_day ON conversions (day);

-- What became of what was sent, by day, provider, country and the first digits of the number.
-- A provider that took nothing is in no row; a number's calling code and three digits are no person.
CREATE TABLE conversions (
    tenant_id text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    day bigint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    country text COLLATE "C" NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    sent bigint NOT NULL,
    delivered bigint NOT NULL,
    undelivered bigint NOT NULL,
    approved bigint NOT NULL,
    PRIMARY KEY (tenant_id, mode, day, provider, country, prefix)
);

CREATE INDEX conversions_day ON conversions (day);

-- The history in weeks, so that what is past its time is dropped as a whole, and a read by id opens one partition.
--
-- A week begins on Monday, in UTC, and gives its partitions their names:
-- `verifications_20261123`. The functions are called by the upkeep of each
-- node. Each call is one transaction, so a pooler may stand in between; the
-- lock ends with it; and none waits for a lock longer than 200 ms, because all
-- who come later wait behind it. The caller tries again.

CREATE FUNCTION history_week_of(at bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT at - mod(at - 345600000000, 604800000000)';

CREATE FUNCTION history_partition(of_table text, week bigint) RETURNS text LANGUAGE sql STABLE AS
    $$SELECT of_table || to_char(to_timestamp(week / 1000000) AT TIME ZONE 'UTC', '"_"YYYYMMDD')$$;

-- The weeks that have partitions; what else people attach is left alone.
CREATE FUNCTION history_weeks() RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT 1000000 * extract(epoch FROM to_date(substring(relname FROM 15), 'YYYYMMDD'))::bigint
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'verifications'::regclass AND relname ~ '^verifications_[0-9]{8}$'
$$;

-- Makes the partitions of a week, unless they are there or another session is
-- at it. They are made beside the table and then attached, which lets writers
-- go on. What stands in the default partition although it belongs here moves.
--
-- No statistics of ids: knowing that rows lie in their order, the planner would
-- walk the primary key through the rows of all tenants, and go on for millions
-- where the one that asks has none. The indexes that begin with the tenant give
-- the same order.
CREATE FUNCTION history_make_week(week bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    of_table text;
    partition text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('history_weeks')) THEN
        RETURN false;
    END IF;
    IF week IN (SELECT history_weeks()) THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '200ms', true);
    FOREACH of_table IN ARRAY ARRAY['events', 'verifications'] LOOP
        partition := history_partition(of_table, week);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, of_table);
        IF of_table = 'verifications' THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN id SET STATISTICS 0', partition);
        END IF;
        IF to_regclass(of_table || '_default') IS NOT NULL THEN
            EXECUTE format('WITH moved AS (DELETE FROM %I WHERE created_at >= $1 AND created_at < $2 RETURNING *)
                INSERT INTO %I SELECT * FROM moved', of_table || '_default', partition)
                USING week, week + 604800000000;
        END IF;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            of_table, partition, week, week + 604800000000);
    END LOOP;
    RETURN true;
END
$$;

-- Drops the partitions of a week, unless another session is at it. Not
-- DETACH CONCURRENTLY, which Postgres refuses beside a default partition; the
-- tables are locked for a change of the catalogue, their files go afterwards.
CREATE FUNCTION history_drop_week(week bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('history_weeks')) THEN
        RETURN false;
    END IF;
    IF week NOT IN (SELECT history_weeks()) THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '200ms', true);
    EXECUTE format('DROP TABLE IF EXISTS %I, %I',
        history_partition('events', week), history_partition('verifications', week));
    RETURN true;
END
$$;

-- How many rows stand in the default partitions, counted up to 100,000 each: nobody needs to know more.
CREATE FUNCTION history_strays() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM (SELECT 1 FROM verifications_default LIMIT 100000) AS seen)
        + (SELECT count(*) FROM (SELECT 1 FROM events_default LIMIT 100000) AS seen)
$$;

-- The weeks to make: this one, the next four, and those that rows in a default partition wait for.
CREATE FUNCTION history_weeks_to_make(now_at bigint, before bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    WITH wanted AS (
        SELECT history_week_of(now_at) + 604800000000 * n AS week FROM generate_series(0, 4) AS n
        UNION
        SELECT history_week_of(created_at) FROM (SELECT created_at FROM verifications_default LIMIT 100000) AS seen
        UNION
        SELECT history_week_of(created_at) FROM (SELECT created_at FROM events_default LIMIT 100000) AS seen
    )
    SELECT week FROM wanted
    WHERE week + 604800000000 > before AND week <= history_week_of(now_at) + 4 * 604800000000
    EXCEPT SELECT history_weeks()
    ORDER BY 1
$$;

-- The weeks that end before `before`. A clock that runs ahead must not empty
-- the history: of the caller's and the server's, the one that is behind counts.
CREATE FUNCTION history_weeks_to_drop(now_at bigint, before bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT week FROM history_weeks() AS week
    WHERE week + 604800000000 <= before
        - greatest(0, now_at - (1000000 * extract(epoch FROM clock_timestamp()))::bigint)
    ORDER BY 1
$$;

-- What there is goes from the one default partition into its weeks.
ALTER TABLE verifications DETACH PARTITION verifications_default;
ALTER TABLE events DETACH PARTITION events_default;
ALTER TABLE verifications_default RENAME TO verifications_whole;
ALTER TABLE events_default RENAME TO events_whole;

SELECT history_make_week(week) FROM (
    SELECT history_week_of(created_at) FROM verifications_whole
    UNION SELECT history_week_of(created_at) FROM events_whole
    UNION SELECT history_week_of((1000000 * extract(epoch FROM now()))::bigint) + 604800000000 * n
        FROM generate_series(0, 4) AS n
) AS weeks (week) ORDER BY week;

INSERT INTO verifications SELECT * FROM verifications_whole;
INSERT INTO events SELECT * FROM events_whole;
DROP TABLE verifications_whole, events_whole;
CREATE TABLE verifications_default PARTITION OF verifications DEFAULT;
ALTER TABLE verifications_default ALTER COLUMN id SET STATISTICS 0;
CREATE TABLE events_default PARTITION OF events DEFAULT;

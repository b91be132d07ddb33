-- Nothing: only Postgres keeps the history in weeks. Here what is past its time is deleted row by row.
SELECT 1;

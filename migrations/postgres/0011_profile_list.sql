-- The list of a profile in one stretch of an index: put together from six statuses it took 40 ms over 19 weeks.
-- no-transaction
CREATE INDEX CONCURRENTLY verifications_of_profile ON verifications (tenant_id, mode, profile_id, id);

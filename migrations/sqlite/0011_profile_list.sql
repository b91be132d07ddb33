-- The list of a profile in one stretch of an index, as on Postgres, where the six lists of its statuses took too long.
CREATE INDEX verifications_of_profile ON verifications (tenant_id, mode, profile_id, id);

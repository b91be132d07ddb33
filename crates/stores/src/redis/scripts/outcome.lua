-- Reads the outcome of the request with an Idempotency-Key.
--
-- KEYS  1 outcome
-- ARGV  1 now
-- Gives the packed outcome, or nothing
return replay(KEYS[1])

-- Counts the events and messages that wait in a partition.
--
-- KEYS  1 events  2 due
-- ARGV  1 now
-- Gives what waiting() of lib/waiting.lua gives
return waiting(KEYS[1], KEYS[2])

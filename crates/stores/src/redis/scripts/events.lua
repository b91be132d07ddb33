-- Reads the oldest events that the history does not have yet.
--
-- KEYS  1 events  2 due
-- ARGV  1 now  2 most events
-- Gives {entries, what waiting() of lib/waiting.lua gives}: if there are fewer entries
--       than asked for, every event up to that time is among them
return { call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2]), waiting(KEYS[1], KEYS[2]) }

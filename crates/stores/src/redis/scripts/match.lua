-- Which message it is that a provider calls so; leaves the receipt there while
-- nobody knows.
--
-- KEYS  1 match
-- ARGV  1 now  2 packed receipt, or empty  3 ms that it is kept
-- Gives verification (as in its key) and message, or nothing
local target, parked = load_match(KEYS[1])
if target ~= '' then
  return target
end
if ARGV[2] ~= '' then
  -- Delivered stays.
  save_match(KEYS[1], '', byte(parked, 1) == 2 and parked or ARGV[2], ARGV[3])
end
return nil

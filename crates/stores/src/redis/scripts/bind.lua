-- Notes which message it is that a provider calls so, and gives the receipt
-- that came before. It stays, for this call sent again.
--
-- KEYS  1 match
-- ARGV  1 now  2 verification (as in its key) and message  3 ms that it is kept
-- Gives the packed receipt, or nothing
local target, parked = load_match(KEYS[1])
if target ~= '' and target ~= ARGV[2] then
  -- The provider uses its id anew.
  parked = ''
end
save_match(KEYS[1], ARGV[2], parked, ARGV[3])
return parked ~= '' and parked or nil

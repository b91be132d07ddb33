-- Notes which message of ours has this id at its provider, and gives the receipt
-- that came before. The receipt stays stored, in case this call is sent again.
--
-- KEYS  1 match
-- ARGV  1 now  2 verification (as in its key) and message  3 ms that it is kept
-- Gives the packed receipt, or nothing
local target, parked = load_match(KEYS[1])
if target ~= '' and target ~= ARGV[2] then
  -- The provider uses its id again, for another message.
  parked = ''
end
save_match(KEYS[1], ARGV[2], parked, ARGV[3])
return parked ~= '' and parked or nil

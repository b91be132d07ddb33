-- Finds which message of ours has this id at its provider. While no message is
-- known, it stores the receipt instead.
--
-- KEYS  1 match
-- ARGV  1 now  2 packed receipt, or empty  3 ms that it is kept
-- Gives verification (as in its key) and message, or nothing
local target, parked = load_match(KEYS[1])
if target ~= '' then
  return target
end
if ARGV[2] ~= '' then
  -- A receipt that says delivered is not replaced.
  save_match(KEYS[1], '', byte(parked, @Parked.delivery@) == @Delivery.delivered@ and parked or ARGV[2], ARGV[3])
end
return nil

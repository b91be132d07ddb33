-- Binds an Idempotency-Key to one request for a day.
--
-- KEYS  1 slot
-- ARGV  1 now  2 hash of the request
-- Gives 0: bound now · 1: bound to the same request · 2: to another one
local found = call('GET', KEYS[1])
if found and unpack('>I6', found) > now then
  return sub(found, 7) == ARGV[2] and 1 or 2
end
call('SET', KEYS[1], pack('>I6', now + OUTCOME_KEPT) .. ARGV[2], 'PX', OUTCOME_KEPT)
return 0

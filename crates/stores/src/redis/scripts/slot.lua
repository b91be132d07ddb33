-- Binds an Idempotency-Key to one request for a day, or lets go of it.
--
-- KEYS  1 slot
-- ARGV  1 now  2 hash of the request, 16  3 who asks, 8
--       4 not empty: let go, if nobody asked since who asks
-- Gives 0: bound now · 1: bound to the same request · 2: to another one
local found = call('GET', KEYS[1])
if found and unpack('>I6', found) <= now then
  found = nil
end
if ARGV[4] ~= '' then
  if found and sub(found, 7) == ARGV[2] .. ARGV[3] then
    call('DEL', KEYS[1])
  end
  return 0
end
if found and sub(found, 7, 22) ~= ARGV[2] then
  return 2
end
-- Anew also for the same request: it must outlive the outcome that may follow.
call('SET', KEYS[1], pack('>I6', now + OUTCOME_KEPT) .. ARGV[2] .. ARGV[3], 'PX', OUTCOME_KEPT)
return found and 1 or 0

-- Binds an Idempotency-Key to one request for a day, or frees it.
--
-- KEYS  1 slot
-- ARGV  1 now  2 hash of the request, 16  3 half of the event's id of the call that asks, 8
--       4 not empty: free the key, unless another call has bound it since
-- Gives SlotReply: Bound: to this request, now · Same: bound to the same request before · Other: bound to another request
local found = call('GET', KEYS[1])
if found and unpack('>I6', found) <= now then
  found = nil
end
if ARGV[4] ~= '' then
  if found and sub(found, @Slot.request@) == ARGV[2] .. ARGV[3] then
    call('DEL', KEYS[1])
  end
  return @SlotReply.Bound@
end
if found and sub(found, @Slot.request@, @Slot.request.last@) ~= ARGV[2] then
  return @SlotReply.Other@
end
-- Written again also for the same request: the binding must outlive the outcome that may follow.
call('SET', KEYS[1], pack('>I6', now + OUTCOME_KEPT) .. ARGV[2] .. ARGV[3], 'PX', OUTCOME_KEPT)
return found and @SlotReply.Same@ or @SlotReply.Bound@

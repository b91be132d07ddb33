-- Notes an attempt that failed, and holds its claim longer, so that the worker
-- can ask the next provider. It does so only if the claim is still the newest
-- and the message is still to be sent.
--
-- KEYS  1 verification  2 due, or awaited  3 events
-- ARGV  1 now  2 member, as it was claimed  3 id of the event  4 its body  5 ms to hold it from now
-- Gives AttemptReply: Noted: ask the next provider · Lost: the claim is lost, or no provider needs to be asked any more
if not call('ZSCORE', KEYS[2], ARGV[2]) then
  return @AttemptReply.Lost@
end
local record, status = load(KEYS[1])
note(KEYS[3], KEYS[1], ARGV[3], ARGV[4])
if not record or status ~= PENDING
  or sub(record, @Record.message@, @Record.message.last@) ~= sub(ARGV[2], @Member.message@)
  or byte(record, @Record.delivery@) == @Delivery.delivered@ then
  -- The next claim drops it.
  call('ZADD', KEYS[2], now, ARGV[2])
  return @AttemptReply.Lost@
end
call('ZADD', KEYS[2], 'GT', now + ARGV[5], ARGV[2])
return @AttemptReply.Noted@

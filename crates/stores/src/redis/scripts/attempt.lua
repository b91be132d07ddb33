-- Notes an attempt that failed while its claim goes on to the next provider,
-- and holds the claim longer, if it is still the newest and the message is still wanted.
--
-- KEYS  1 verification  2 due, or awaited  3 events
-- ARGV  1 now  2 member, as it was claimed  3 id of the event  4 its body  5 ms to hold it from now
-- Gives 1: noted, go on · 0: the claim is lost, or nobody needs to be asked any more
if not call('ZSCORE', KEYS[2], ARGV[2]) then
  return 0
end
local record, status = load(KEYS[1])
note(KEYS[3], KEYS[1], ARGV[3], ARGV[4])
if not record or status ~= PENDING or sub(record, 62, 77) ~= sub(ARGV[2], 37) or byte(record, 3) == 2 then
  -- The next claim drops it.
  call('ZADD', KEYS[2], now, ARGV[2])
  return 0
end
call('ZADD', KEYS[2], 'GT', now + ARGV[5], ARGV[2])
return 1

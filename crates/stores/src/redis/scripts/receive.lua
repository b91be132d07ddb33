-- Notes what a provider reports of a message. The newest message's state moves
-- forward only, and no status changes.
--
-- KEYS  1 verification  2 events
-- ARGV  1 now  2 message  3 the delivery: 2 delivered, 3 undelivered
--       4 id of the event  5, 6 its body: what every release reads, and the rest
-- Gives 0: no such verification · 1: noted · 2: nothing new, or of an older message
local record = load(KEYS[1])
if not record then
  return 0
end
local delivery, flags, told = byte(record, 3), byte(record, 5), tonumber(ARGV[3])
-- Of the newest message alone, and only what its state does not say already.
if sub(record, 62, 77) ~= ARGV[2] or delivery == told or delivery == 2 then
  return 2
end
-- Who reports a message took it, whatever came of the attempt.
flags = flags - flags % 2 + 1
save(KEYS[1], sub(record, 1, 2) .. char(told) .. sub(record, 4, 4) .. char(flags) .. sub(record, 6))
call('XADD', KEYS[2], '*', 'e', sub(KEYS[1], 9) .. ARGV[4] .. pack('>I6', now) .. ARGV[5], 'm', ARGV[6])
return 1

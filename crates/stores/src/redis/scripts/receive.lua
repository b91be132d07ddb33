-- Notes what a provider reports about a message. The delivery state of the newest
-- message only moves forward, and the verification's status does not change.
--
-- KEYS  1 verification  2 events
-- ARGV  1 now  2 message  3 the delivery, as a number
--       4 id of the event  5, 6 its body: what every release reads, and the rest
-- Gives ReceiveReply: Missing: no such verification · Noted · Known: nothing new, or about an older message
local record = load(KEYS[1])
if not record then
  return @ReceiveReply.Missing@
end
local delivery, flags, told = byte(record, @Record.delivery@), byte(record, @Record.flags@), tonumber(ARGV[3])
-- Only the newest message counts, and only a report that changes its state.
if sub(record, @Record.message@, @Record.message.last@) ~= ARGV[2]
  or delivery == told or delivery == @Delivery.delivered@ then
  return @ReceiveReply.Known@
end
-- A provider that reports a message has accepted it, even if the attempt seemed to fail.
-- The lowest bit is the flag `accepted`.
flags = flags - flags % 2 + @Flag.accepted@
save(KEYS[1], sub(record, 1, @Record.status@) .. char(told) .. sub(record, @Record.resend@, @Record.resend@)
  .. char(flags) .. sub(record, @Record.created_at@))
call('XADD', KEYS[2], '*', 'e', sub(KEYS[1], @Key.tenant@) .. ARGV[4] .. pack('>I6', now) .. ARGV[5], 'm', ARGV[6])
return @ReceiveReply.Noted@

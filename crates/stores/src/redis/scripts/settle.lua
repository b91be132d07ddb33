-- Notes how a claimed message ended, if the claim is still the newest.
--
-- KEYS  1 verification  2 due, or awaited  3 events
-- ARGV  1 now  2 member, as it was claimed  3 what: accepted, retry, rejected, receipt or gave_up
--       4 id of the event  5 its body; of a rejection without its last byte
--       6 ms until it is due again, or empty  7 its phase then  8 the delivery that a receipt reports
-- Gives SettleReply: Noted: by this call, or by this same call sent before · Lost: the claim is lost
local message = sub(ARGV[2], @Member.message@)
local record, status = load(KEYS[1])
if call('ZREM', KEYS[2], ARGV[2]) == 0 then
  if ARGV[3] == 'gave_up' then
    return @SettleReply.Lost@
  end
  for _, entry in ipairs(call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 2000)) do
    if sub(entry[2][2], @Entry.id@, @Entry.id.last@) == ARGV[4] then
      return @SettleReply.Noted@
    end
  end
  return @SettleReply.Lost@
end
if not record then
  return @SettleReply.Lost@
end
if ARGV[3] == 'gave_up' then
  return @SettleReply.Noted@
end
local newest = sub(record, @Record.message@, @Record.message.last@) == message
local delivery, flags, body = byte(record, @Record.delivery@), byte(record, @Record.flags@), ARGV[5]
local failed = false
if ARGV[3] == 'accepted' then
  -- The lowest bit is the flag `accepted`.
  flags = flags - flags % 2 + @Flag.accepted@
  -- A later provider accepted the message; this overrides the earlier provider's receipt.
  local another = byte(ARGV[2], @Member.state@) > @Claim.held@ + @Phase.undelivered@
  if newest and (delivery == @Delivery.queued@ or another and delivery ~= @Delivery.delivered@) then
    delivery = @Delivery.sent@
  end
elseif ARGV[3] == 'rejected' then
  if newest and delivery ~= @Delivery.delivered@ then
    delivery = @Delivery.undelivered@
  end
  failed = newest and flags % 2 == 0 and status == PENDING
  body = body .. char(failed and 1 or 0)
elseif ARGV[3] == 'receipt' then
  delivery = newest and tonumber(ARGV[8]) or delivery
end
record = sub(record, 1, @Record.status@) .. char(delivery) .. sub(record, @Record.resend@, @Record.resend@)
  .. char(flags) .. sub(record, @Record.created_at@)
save(KEYS[1], failed and ended(record, FAILED, '') or record)
note(KEYS[3], KEYS[1], ARGV[4], body)
if ARGV[6] ~= '' then
  local _, attempt = unpack('>BI2', ARGV[2])
  local phase = tonumber(ARGV[7])
  call('ZADD', waits_in(phase), now + ARGV[6], due_member(phase, attempt, KEYS[1], message))
end
return @SettleReply.Noted@

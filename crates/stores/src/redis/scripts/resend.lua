-- Queues another message for a verification.
--
-- KEYS  1 verification  2 due  3 events  4 outcome (if there is an Idempotency-Key)
-- ARGV  1 now  2 sends that the caller saw  3 version and MAC of a new code, or empty
--       4 the new code, sealed  5 message  6 id of the event, and the packed author
--       7 command that wakes other nodes, or empty  8 the packed outcome before its times
-- Gives ResendReply: {Missing}: no such verification · {Replay, packed outcome} · else {what, now, record, wait in ms}:
--       Queued · Ended: over before · SendsExhausted · TooSoon · Changed: another resend came between
local outcome = replay(KEYS[4])
if outcome then
  return { @ResendReply.Replay@, outcome }
end
local record, status, expires, resend_at = load(KEYS[1])
if not record then
  return { @ResendReply.Missing@ }
end
-- This same call ran before, and its answer was lost.
if sub(record, @Record.message@, @Record.message.last@) == ARGV[5] then
  return { @ResendReply.Queued@, now, record, 0 }
end
if status ~= PENDING then
  return { @ResendReply.Ended@, now, record, 0 }
end
local sends = byte(record, @Record.sends@)
if sends >= byte(record, @Record.max_sends@) then
  return { @ResendReply.SendsExhausted@, now, record, 0 }
end
if resend_at > now then
  return { @ResendReply.TooSoon@, now, record, resend_at - now }
end
if sends ~= tonumber(ARGV[2]) then
  return { @ResendReply.Changed@, now, record, 0 }
end
sends = sends + 1
resend_at = now + cooldown(sends)
local review = math.floor(byte(record, @Record.flags@) / @Flag.review@) % 2 == 1
local delivery = review and byte(record, @Record.delivery@) or @Delivery.queued@
local codes = sub(record, @Record.mac_version@)
if ARGV[3] ~= '' then
  -- With this policy exactly one previous code stays valid.
  local previous = byte(record, @Record.resend@) == @ResendPolicy.new_keep_previous@
    and sub(record, @Record.mac_version@, @Record.mac.last@) or '\0'
  local at = contact_at(record)
  local contact = unpack('>I2', record, at)
  codes = ARGV[3] .. previous .. sub(record, at, at + (@Blob.bytes@ - 1) + contact) .. pack('>I2', #ARGV[4]) .. ARGV[4]
    .. payment(record)
end
record = sub(record, 1, @Record.status@) .. char(delivery) .. sub(record, @Record.resend@, @Record.expires_at.last@)
  .. pack('>I6', resend_at) .. sub(record, @Record.checks@, @Record.max_checks@) .. char(sends)
  .. sub(record, @Record.max_sends@, @Record.number.last@) .. ARGV[5]
  .. sub(record, @Record.source@, @Record.source.last@) .. codes
save(KEYS[1], record)
if not review then
  queue(KEYS[2], KEYS[1], ARGV[5])
end
note(KEYS[3], KEYS[1], ARGV[6], @Event.resent@ .. ARGV[5] .. char(sends, ARGV[3] ~= '' and 1 or 0))
local created = sub(record, @Record.created_at@, @Record.created_at.last@)
remember(KEYS[4], ARGV[8], created .. pack('>I6I6', expires, resend_at)
  .. char(max(byte(record, @Record.max_checks@) - byte(record, @Record.checks@), 0),
    max(byte(record, @Record.max_sends@) - sends, 0)))
if not review then
  wake(ARGV[7], KEYS[2])
end
return { @ResendReply.Queued@, now, record, 0 }

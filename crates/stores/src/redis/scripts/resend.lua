-- Queues another message for a verification.
--
-- KEYS  1 verification  2 due  3 events  4 outcome (if there is an Idempotency-Key)
-- ARGV  1 now  2 sends that the caller saw  3 version and MAC of a new code, or empty
--       4 the new code, sealed  5 message  6 id of the event
--       7 command that wakes other nodes, or empty  8 the packed outcome before its times
-- Gives {0}: no such verification · {8, packed outcome}: a repeat · else {what, now, record, wait in ms}:
--       1 queued · 2 over · 3 all sends used · 4 too soon · 5 another resend came between
local outcome = replay(KEYS[4])
if outcome then
  return { 8, outcome }
end
local record, status, expires, resend_at = load(KEYS[1])
if not record then
  return { 0 }
end
-- This same call, whose first answer was lost.
if sub(record, 62, 77) == ARGV[5] then
  return { 1, now, record, 0 }
end
if status ~= PENDING then
  return { 2, now, record, 0 }
end
local sends = byte(record, 26)
if sends >= byte(record, 27) then
  return { 3, now, record, 0 }
end
if resend_at > now then
  return { 4, now, record, resend_at - now }
end
if sends ~= tonumber(ARGV[2]) then
  return { 5, now, record, 0 }
end
sends = sends + 1
resend_at = now + cooldown(sends)
local review = math.floor(byte(record, 5) / 4) % 2 == 1
local delivery = review and byte(record, 3) or 0
local codes = sub(record, 82)
if ARGV[3] ~= '' then
  -- The policy new_keep_previous is 2: exactly the code before stays valid.
  local previous = byte(record, 4) == 2 and sub(record, 82, 98) or '\0'
  local at = contact_at(record)
  local contact = unpack('>I2', record, at)
  codes = ARGV[3] .. previous .. sub(record, at, at + 1 + contact) .. pack('>I2', #ARGV[4]) .. ARGV[4]
    .. payment(record)
end
record = sub(record, 1, 2) .. char(delivery) .. sub(record, 4, 17) .. pack('>I6', resend_at)
  .. sub(record, 24, 25) .. char(sends) .. sub(record, 27, 61) .. ARGV[5] .. sub(record, 78, 81) .. codes
save(KEYS[1], record)
if not review then
  queue(KEYS[2], KEYS[1], ARGV[5])
end
note(KEYS[3], KEYS[1], ARGV[6], '\1\2' .. ARGV[5] .. char(sends, ARGV[3] ~= '' and 1 or 0))
local created = sub(record, 6, 11)
remember(KEYS[4], ARGV[8], created .. pack('>I6I6', expires, resend_at)
  .. char(max(byte(record, 25) - byte(record, 24), 0), max(byte(record, 27) - sends, 0)))
if not review then
  wake(ARGV[7], KEYS[2])
end
return { 1, now, record, 0 }

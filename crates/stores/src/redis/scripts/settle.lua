-- Notes how a claimed message ended, if the claim is still the newest.
--
-- KEYS  1 verification  2 due, or awaited  3 events
-- ARGV  1 now  2 member, as it was claimed  3 what: accepted, retry, rejected, receipt or gave_up
--       4 id of the event  5 its body; of a rejection without its last byte
--       6 ms until it is due again, or empty  7 its phase then  8 the delivery that a receipt tells
-- Gives 1: noted, now or by a repeat of this call · 0: the claim is lost
local message = sub(ARGV[2], 37)
local record, status = load(KEYS[1])
if call('ZREM', KEYS[2], ARGV[2]) == 0 then
  if ARGV[3] == 'gave_up' then
    return 0
  end
  for _, entry in ipairs(call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 2000)) do
    if sub(entry[2][2], 34, 49) == ARGV[4] then
      return 1
    end
  end
  return 0
end
if not record then
  return 0
end
if ARGV[3] == 'gave_up' then
  return 1
end
local newest = sub(record, 62, 77) == message
local delivery, flags, body = byte(record, 3), byte(record, 5), ARGV[5]
local failed = false
if ARGV[3] == 'accepted' then
  flags = flags - flags % 2 + 1
  -- Of another provider than the first: whatever that one's receipt said, this one has it now.
  local another = byte(ARGV[2], 1) > 18
  if newest and (delivery == 0 or another and delivery ~= 2) then
    delivery = 1
  end
elseif ARGV[3] == 'rejected' then
  if newest and delivery ~= 2 then
    delivery = 3
  end
  failed = newest and flags % 2 == 0 and status == PENDING
  body = body .. char(failed and 1 or 0)
elseif ARGV[3] == 'receipt' then
  delivery = newest and tonumber(ARGV[8]) or delivery
end
record = sub(record, 1, 2) .. char(delivery) .. sub(record, 4, 4) .. char(flags) .. sub(record, 6)
save(KEYS[1], failed and ended(record, FAILED, '') or record)
note(KEYS[3], KEYS[1], ARGV[4], body)
if ARGV[6] ~= '' then
  local _, attempt = unpack('>BI2', ARGV[2])
  local phase = tonumber(ARGV[7])
  call('ZADD', waits_in(phase), now + ARGV[6], due_member(phase, attempt, KEYS[1], message))
end
return 1

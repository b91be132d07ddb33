-- Takes what is due and holds it for a lease. A message whose verification is
-- over, or that a resend replaced, is dropped and never handed out.
--
-- KEYS  1 due  2 events  3 none
-- ARGV  1 now  2 lease in ms  3 most messages
-- Gives {more may be due, [member, record] of each claim..., } and, second, the
--       messages that wait because their records cannot be read
local lease, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, most)
local claims, unreadable = {}, {}
for _, member in ipairs(due) do
  local state, attempt = unpack('>BI2', member)
  local phase = state % 16
  local key = tag .. 'v' .. sub(member, 4, 36)
  local message = sub(member, 37)
  local readable, record, status = pcall(load, key)
  call('ZREM', KEYS[1], member)
  if not readable then
    -- One record that cannot be read must not hold up everybody's messages.
    call('ZADD', KEYS[1], now + lease, due_member(phase, attempt, key, message))
    unreadable[#unreadable + 1] = message
  elseif record then
    local over = status ~= PENDING
    if phase == 0 and (over or sub(record, 62, 77) ~= message) then
      -- One message is dropped once, so its own id, as an event's, is unique.
      note(KEYS[2], key, message, '\1\10' .. message .. char(over and 1 or 2))
    else
      member = due_member(phase + 16, min(attempt + 1, 65535), key, message)
      call('ZADD', KEYS[1], now + lease, member)
      claims[#claims + 1] = member
      claims[#claims + 1] = record
    end
  end
end
return { #due == most and 1 or 0, claims, unreadable }

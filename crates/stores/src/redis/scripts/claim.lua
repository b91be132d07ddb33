-- Takes what is due and holds it for a lease. A message whose verification is
-- over, or that a resend replaced, is dropped and never handed out; so is,
-- without a word, one that was delivered or was awaited.
--
-- KEYS  1 due  2 events  3 none
-- ARGV  1 now  2 lease in ms  3 most messages
-- Gives {more may be due, [member, record] of each claim..., } and, second, the
--       messages that wait because their records cannot be read
local lease, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local claims, unreadable = {}, {}

local function claim(set, most)
  local due = call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, most)
  for _, member in ipairs(due) do
    local state, attempt = unpack('>BI2', member)
    local phase = state % 16
    local key = tag .. 'v' .. sub(member, 4, 36)
    local message = sub(member, 37)
    local readable, record, status = pcall(load, key)
    call('ZREM', set, member)
    if not readable then
      -- One record that cannot be read must not hold up everybody's messages.
      call('ZADD', set, now + lease, due_member(phase, attempt, key, message))
      unreadable[#unreadable + 1] = message
    elseif record then
      local over = status ~= PENDING
      local replaced = sub(record, 62, 77) ~= message
      if phase == 0 and (over or replaced) then
        -- One message is dropped once, so its own id, as an event's, is unique.
        note(KEYS[2], key, message, '\1\10' .. message .. char(over and 1 or 2))
      elseif phase == 1 or phase == 2 or not (over or replaced or byte(record, 3) == 2) then
        member = due_member(phase + 16, min(attempt + 1, 65535), key, message)
        call('ZADD', set, now + lease, member)
        claims[#claims + 1] = member
        claims[#claims + 1] = record
      end
    end
  end
  return #due
end

-- What was awaited is the older.
local looked = claim(waits_in(3), most)
if looked < most then
  looked = looked + claim(KEYS[1], most - looked)
end
return { looked == most and 1 or 0, claims, unreadable }

-- Takes what is due and holds it for a lease: of each tenant in turn, the oldest
-- first, as many as there are places for. A message whose verification is over,
-- or that a resend replaced, is dropped and never handed out; so is, without a
-- word, one that was delivered or was awaited.
--
-- What is due is first put into the line, where the messages of each tenant stand
-- together, by age: [tenant, 16][since, 6][phase][claims so far, 2][mode and id, 17][message, 16].
-- It stays there until there is a place for it, so each is moved once, however long it waits.
--
-- KEYS  1 due  2 events  3 line  4 none
-- ARGV  1 now  2 lease in ms  3 places  4 places for slow tenants
--       5 tenants with fewer: [tenant, 16][places, 2][1 if slow], each  6 tenant to begin behind, or empty
-- Gives {more may be due, [member, record] of each claim..., messages that wait because their
--       records cannot be read, named tenants whose messages are left for want of a place}
local LINED_UP_AT_ONCE, MOST_LOOKS = 200, 500
local lease, most, slow = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local rooms, is_slow = {}, {}
for at = 1, #ARGV[5], 19 do
  local tenant = sub(ARGV[5], at, at + 15)
  local room, flag = unpack('>I2B', ARGV[5], at + 16)
  rooms[tenant], is_slow[tenant] = room, flag == 1
end
local claims, unreadable, left = {}, {}, {}

local function line_up(set)
  local due = call('ZRANGEBYSCORE', set, '-inf', now, 'WITHSCORES', 'LIMIT', 0, LINED_UP_AT_ONCE)
  for at = 1, #due, 2 do
    local member = due[at]
    call('ZREM', set, member)
    call('ZADD', KEYS[3], 0, sub(member, 4, 19) .. pack('>I6', max(tonumber(due[at + 1]), 0))
      .. char(byte(member) % 16) .. sub(member, 2, 3) .. sub(member, 20))
  end
  return #due == 2 * LINED_UP_AT_ONCE
end

-- Whether it was handed out.
local function claim(lined)
  local phase, attempt = unpack('>BI2', lined, 23)
  local key = tag .. 'v' .. sub(lined, 1, 16) .. sub(lined, 26, 42)
  local message = sub(lined, 43)
  local readable, record, status = pcall(load, key)
  call('ZREM', KEYS[3], lined)
  if not readable then
    -- One record that cannot be read must not hold up everybody's messages.
    call('ZADD', waits_in(phase), now + lease, due_member(phase, attempt, key, message))
    unreadable[#unreadable + 1] = message
  elseif record then
    local over = status ~= PENDING
    local replaced = sub(record, 62, 77) ~= message
    if phase == 0 and (over or replaced) then
      -- One message is dropped once, so its own id, as an event's, is unique.
      note(KEYS[2], key, message, '\1\10' .. message .. char(over and 1 or 2))
    elseif phase == 1 or phase == 2 or not (over or replaced or byte(record, 3) == 2) then
      local member = due_member(phase + 16, min(attempt + 1, 65535), key, message)
      call('ZADD', waits_in(phase), now + lease, member)
      claims[#claims + 1] = member
      claims[#claims + 1] = record
      return true
    end
  end
  return false
end

-- What was awaited is the older.
local more = line_up(waits_in(3))
more = line_up(KEYS[1]) or more
local after, looks = ARGV[6], 0
local around, found = after == '', false
while true do
  if most == 0 or looks == MOST_LOOKS then
    more = more or call('ZCARD', KEYS[3]) > 0
    break
  end
  looks = looks + 1
  local lined = call('ZRANGEBYLEX', KEYS[3], after == '' and '-' or '(' .. after .. '\255', '+', 'LIMIT', 0, 1)[1]
  if lined then
    after = sub(lined, 1, 16)
    if rooms[after] == 0 or is_slow[after] and slow == 0 then
      left[after] = true
    else
      found = true
      if claim(lined) then
        most = most - 1
        rooms[after] = rooms[after] and rooms[after] - 1
        slow = is_slow[after] and slow - 1 or slow
      end
    end
  elseif around and not found then
    break
  else
    after, around, found = '', true, false
  end
end
local names = {}
for tenant in pairs(left) do
  names[#names + 1] = tenant
end
return { more and 1 or 0, claims, unreadable, names }

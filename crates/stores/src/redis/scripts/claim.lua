-- Takes the messages that are due and holds them for a lease: one of each tenant
-- in turn, the oldest of a tenant first, until all places are used. The script
-- drops a message whose verification is over or that a resend replaced, and never
-- hands it out. It also drops a message that was delivered, and a message that is
-- awaited and no longer needed; for these it notes no event.
--
-- A message that is due is first put into the line, a set that is sorted by tenant
-- and then by age: [tenant, 16][since, 6][phase][claims so far, 2][mode and id, 17][message, 16].
-- It stays there until there is a place for it. So each message is moved once,
-- however long it waits.
--
-- KEYS  1 due  2 events  3 line  4 none
-- ARGV  1 now  2 lease in ms  3 places  4 places for slow tenants
--       5 tenants with fewer: [tenant, 16][places, 2][1 if slow], each  6 tenant to begin behind, or empty
-- Gives {1 if more may be due, else 0, [member, record] of each claim..., messages that wait because
--       their records cannot be read, tenants with messages that stay because they have no place}
local LINED_UP_AT_ONCE, MOST_LOOKS = 200, 500
local lease, most, slow = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local rooms, is_slow = {}, {}
for at = 1, #ARGV[5], @Room.bytes@ do
  local tenant = sub(ARGV[5], at, at + (@Room.tenant.last@ - 1))
  local room, flag = unpack('>I2B', ARGV[5], at + (@Room.places@ - 1))
  rooms[tenant], is_slow[tenant] = room, flag == 1
end
local claims, unreadable, left = {}, {}, {}

local function line_up(set)
  local due = call('ZRANGEBYSCORE', set, '-inf', now, 'WITHSCORES', 'LIMIT', 0, LINED_UP_AT_ONCE)
  for at = 1, #due, 2 do
    local member = due[at]
    call('ZREM', set, member)
    call('ZADD', KEYS[3], 0, sub(member, @Member.tenant@, @Member.tenant.last@)
      .. pack('>I6', max(tonumber(due[at + 1]), 0)) .. char(byte(member) % @Claim.held@)
      .. sub(member, @Member.attempt@, @Member.attempt.last@) .. sub(member, @Member.mode_and_id@))
  end
  return #due == 2 * LINED_UP_AT_ONCE
end

-- Hands out a message of the line, or drops it. Gives whether it was handed out.
local function claim(lined)
  local phase, attempt = unpack('>BI2', lined, @Lined.phase@)
  local key = tag .. 'v' .. sub(lined, @Lined.tenant@, @Lined.tenant.last@)
    .. sub(lined, @Lined.mode_and_id@, @Lined.mode_and_id.last@)
  local message = sub(lined, @Lined.message@)
  local readable, record, status = pcall(load, key)
  call('ZREM', KEYS[3], lined)
  if not readable then
    -- One unreadable record must not delay the messages of others.
    call('ZADD', waits_in(phase), now + lease, due_member(phase, attempt, key, message))
    unreadable[#unreadable + 1] = message
  elseif record then
    local over = status ~= PENDING
    local replaced = sub(record, @Record.message@, @Record.message.last@) ~= message
    if phase == @Phase.send@ and (over or replaced) then
      -- One message is dropped once, so its own id, as an event's, is unique.
      note(KEYS[2], key, message, @Event.dropped@ .. message
        .. char(over and @DropReason.verification_over@ or @DropReason.superseded@))
    elseif phase == @Phase.delivered@ or phase == @Phase.undelivered@
      or not (over or replaced or byte(record, @Record.delivery@) == @Delivery.delivered@) then
      local member = due_member(phase + @Claim.held@, min(attempt + 1, 65535), key, message)
      call('ZADD', waits_in(phase), now + lease, member)
      claims[#claims + 1] = member
      claims[#claims + 1] = record
      return true
    end
  end
  return false
end

-- Messages that were awaited are older, so they go into the line first.
local more = line_up(waits_in(@Phase.await@))
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
    after = sub(lined, @Lined.tenant@, @Lined.tenant.last@)
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

-- Counts the start against the number's limits, makes the verification, queues
-- its message, notes the event: all or nothing.
--
-- KEYS  1 verification  2 number  3 due  4 events  5 outcome (if there is an Idempotency-Key)
-- ARGV  1 now  2 record, its times zero  3 ms that the codes live
--       4 limits of the number: [max, 4][window in ms, 6][name behind its length, 2], each
--       5 message, or empty when nothing is sent  6 id of the event, and the packed author unless it is a key
--       7, 8, 9 its body before expires_at, before the number's limits, and after them
--       10 command that wakes other nodes, or empty
--       11, 12 the packed outcome before and after its three times
--       13 only for a start in a route family, whose listing has one pending verification at most: the
--          listing, then the verification that it replaces and the id of the event that notes this, and the
--          packed author, if it replaces one
-- Gives StartReply: {Started, now, starts before it} · {Limited, now, starts}: a limit of the number refuses
--       {Replay, packed outcome} · {MadeBefore, now, record}: this same call, sent before, made it
--       {Changed}: another verification of the listing is pending
local outcome = replay(KEYS[5])
if outcome then
  return { @StartReply.Replay@, outcome }
end
local starts, standing, guesses, turned = load_number(KEYS[2])
local before = starts

-- Such a listing has one pending verification at most, and only the newest that is still stored can be it.
local listing, replaced, replaced_key
if ARGV[13] then
  listing = sub(ARGV[13], @Exclusive.listing@, @Exclusive.listing.last@)
  for n = #standing - (@Standing.bytes@ - 1), 1, -@Standing.bytes@ do
    if sub(standing, n + (@Standing.listing@ - 1), n + (@Standing.listing.last@ - 1)) == listing then
      replaced_key = sub(KEYS[1], 1, @Key.mode.last@) .. sub(standing, n, n + (@Standing.id.last@ - 1))
      local found, status = load(replaced_key)
      if found then
        if replaced_key == KEYS[1] then
          return { @StartReply.MadeBefore@, now, found }
        end
        if status == PENDING then
          if sub(replaced_key, @Key.id@) ~= sub(ARGV[13], @Exclusive.verification@, @Exclusive.verification.last@) then
            -- This same call may have run before. Its answer was lost, and its verification was replaced since.
            local mine = load(KEYS[1])
            if mine then
              return { @StartReply.MadeBefore@, now, mine }
            end
            return { @StartReply.Changed@ }
          end
          replaced = found
        end
        break
      end
    end
  end
end

-- How often each limit is used with this start, as the event says it.
local uses, refused = '', false
local at = 1
while at < #ARGV[4] do
  local most, window, name = unpack('>I4I6I2', ARGV[4], at)
  local used = 0
  for n = #starts - (@Time.bytes@ - 1), 1, -@Time.bytes@ do
    if unpack('>I6', starts, n) + window <= now then
      break
    end
    used = used + 1
  end
  refused = refused or used >= most
  uses = uses .. sub(ARGV[4], at + (@Limit.name_length@ - 1), at + (@Limit.bytes@ - 1) + name)
    .. pack('>I4I4I6', used + 1, most, window)
  at = at + @Limit.bytes@ + name
end
if refused then
  local mine = load(KEYS[1])
  if mine then
    return { @StartReply.MadeBefore@, now, mine }
  end
  if turned then
    save_number(KEYS[2], starts, standing, guesses)
  end
  return { @StartReply.Limited@, now, starts }
end

local expires, resend_at = now + ARGV[3], now + cooldown(1)
local record = sub(ARGV[2], 1, @Record.flags@) .. pack('>I6I6I6', now, expires, resend_at)
  .. sub(ARGV[2], @Record.checks@)
if not call('SET', KEYS[1], record, 'PX', ARGV[3] + KEPT_AFTER_EXPIRY, 'NX') then
  local mine = load(KEYS[1])
  return { @StartReply.MadeBefore@, now, mine or record }
end

-- The number keeps the times of its last starts, and a bounded number of verifications.
starts = sub(starts .. pack('>I6', now), -(@Most.starts@ * @Time.bytes@))
local mine = sub(KEYS[1], -@Key.id.length@) .. (listing or sub(record, @Record.profile@, @Record.profile.last@))
  .. pack('>I6', expires + KEPT_AFTER_EXPIRY)
if standing == '' then
  standing = mine
else
  local kept = {}
  for n = 1, #standing, @Standing.bytes@ do
    if unpack('>I6', standing, n + (@Standing.until@ - 1)) > now then
      kept[#kept + 1] = sub(standing, n, n + (@Standing.bytes@ - 1))
    end
  end
  -- If they are too many, the oldest of the same listing goes, else the oldest of all.
  if #kept == @Most.standing@ then
    local gone = 1
    for n = 1, @Most.standing@ do
      if sub(kept[n], @Standing.listing@, @Standing.listing.last@)
        == sub(mine, @Standing.listing@, @Standing.listing.last@) then
        gone = n
        break
      end
    end
    table.remove(kept, gone)
  end
  kept[#kept + 1] = mine
  standing = table.concat(kept)
end
save_number(KEYS[2], starts, standing, guesses)

if ARGV[5] ~= '' then
  queue(KEYS[3], KEYS[1], ARGV[5])
end

if replaced then
  save(replaced_key, ended(replaced, CANCELED, ''))
  note(KEYS[4], replaced_key, sub(ARGV[13], @Exclusive.event@), @Event.canceled@)
end
note(KEYS[4], KEYS[1], ARGV[6], ARGV[7] .. pack('>I6', expires) .. ARGV[8] .. uses .. ARGV[9])
remember(KEYS[5], ARGV[11], pack('>I6I6I6', now, expires, resend_at) .. ARGV[12])
if ARGV[5] ~= '' then
  wake(ARGV[10], KEYS[3])
end
return { @StartReply.Started@, now, before }

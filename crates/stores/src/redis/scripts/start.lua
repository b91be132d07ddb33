-- Counts the start against the number's limits, makes the verification, queues
-- its message, notes the event: all or nothing.
--
-- KEYS  1 verification  2 number  3 due  4 events  5 outcome (if there is an Idempotency-Key)
-- ARGV  1 now  2 record, its times zero  3 ms that the codes live
--       4 limits of the number: [max, 4][window in ms, 6][name behind its length, 2], each
--       5 message, or empty when nothing is sent  6 id of the event
--       7, 8, 9 its body before expires_at, before the number's limits, and after them
--       10 command that wakes other nodes, or empty
--       11, 12 the packed outcome before and after its three times
--       13 for a start that leaves its listing with one pending verification: the listing,
--          then the one that it replaces and the id of the event that says so, if there is one
-- Gives {0, now, starts before}: made · {1, now, starts}: a limit refuses
--       {2, packed outcome}: a repeat · {3, now, record}: made by this same call before
--       {4}: another one of the listing is pending
local outcome = replay(KEYS[5])
if outcome then
  return { 2, outcome }
end
local starts, standing, guesses, turned = load_number(KEYS[2])
local before = starts

-- Of such a listing one is pending at most, and that is the newest whose record stands.
local listing, replaced, replaced_key
if ARGV[13] then
  listing = sub(ARGV[13], 1, 16)
  for n = #standing - 37, 1, -38 do
    if sub(standing, n + 16, n + 31) == listing then
      replaced_key = sub(KEYS[1], 1, 25) .. sub(standing, n, n + 15)
      local found, status = load(replaced_key)
      if found then
        if replaced_key == KEYS[1] then
          return { 3, now, found }
        end
        if status == PENDING then
          if sub(replaced_key, 26) ~= sub(ARGV[13], 17, 32) then
            -- This same call, whose first answer was lost, and whose start was replaced since.
            local mine = load(KEYS[1])
            if mine then
              return { 3, now, mine }
            end
            return { 4 }
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
  for n = #starts - 5, 1, -6 do
    if unpack('>I6', starts, n) + window <= now then
      break
    end
    used = used + 1
  end
  refused = refused or used >= most
  uses = uses .. sub(ARGV[4], at + 10, at + 11 + name) .. pack('>I4I4I6', used + 1, most, window)
  at = at + 12 + name
end
if refused then
  local mine = load(KEYS[1])
  if mine then
    return { 3, now, mine }
  end
  if turned then
    save_number(KEYS[2], starts, standing, guesses)
  end
  return { 1, now, starts }
end

local expires, resend_at = now + ARGV[3], now + cooldown(1)
local record = sub(ARGV[2], 1, 5) .. pack('>I6I6I6', now, expires, resend_at) .. sub(ARGV[2], 24)
if not call('SET', KEYS[1], record, 'PX', ARGV[3] + KEPT_AFTER_EXPIRY, 'NX') then
  local mine = load(KEYS[1])
  return { 3, now, mine or record }
end

-- The times of the last 20 starts, and at most 64 that stand.
starts = sub(starts .. pack('>I6', now), -120)
local mine = sub(KEYS[1], -16) .. (listing or sub(record, 30, 45)) .. pack('>I6', expires + KEPT_AFTER_EXPIRY)
if standing == '' then
  standing = mine
else
  local kept = {}
  for n = 1, #standing, 38 do
    if unpack('>I6', standing, n + 32) > now then
      kept[#kept + 1] = sub(standing, n, n + 37)
    end
  end
  -- The oldest of its own listing makes room, else the oldest of all.
  if #kept == 64 then
    local gone = 1
    for n = 1, 64 do
      if sub(kept[n], 17, 32) == sub(mine, 17, 32) then
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
  note(KEYS[4], replaced_key, sub(ARGV[13], 33, 48), '\1\6')
end
note(KEYS[4], KEYS[1], ARGV[6], ARGV[7] .. pack('>I6', expires) .. ARGV[8] .. uses .. ARGV[9])
remember(KEYS[5], ARGV[11], pack('>I6I6I6', now, expires, resend_at) .. ARGV[12])
if ARGV[5] ~= '' then
  wake(ARGV[10], KEYS[3])
end
return { 0, now, before }

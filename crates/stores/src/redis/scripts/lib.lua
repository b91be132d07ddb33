-- What every script begins with: the time, and the packed forms of
-- countersign-core read and written (verification/packed.rs, number.rs,
-- guess.rs, event.rs). The rules are those of core; one contract suite holds
-- this engine and the embedded one to them.
--
-- Positions are from 1. A key is `{tag}`, one letter, and the rest; all keys
-- of a script bear the tag of one partition, also those that a script makes
-- itself from what it reads. ARGV[1] is always the time in milliseconds, for
-- tests; empty means the server's own.
local call = redis.call
local byte, char, sub = string.byte, string.char, string.sub
local pack, unpack = struct.pack, struct.unpack
local max, min = math.max, math.min

local PENDING, APPROVED, CANCELED, EXPIRED, EXHAUSTED, FAILED = 0, 1, 2, 3, 4, 5
local DAY = 86400000
-- A record outlives its code, so that a late check can say `expired`.
local KEPT_AFTER_EXPIRY = 900000
local OUTCOME_KEPT = DAY
local COOLDOWN = { 30000, 40000, 60000, 90000 }
local TAG = 7

local now
if ARGV[1] == '' then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
else
  now = tonumber(ARGV[1])
end

local function tag_of(key)
  return sub(key, 1, TAG)
end

-- A value of a format that this release does not read is refused, never guessed at.
local function check_format(packed, format, table)
  local found = byte(packed, 1)
  if found ~= format then
    error({ err = 'CSFORMAT ' .. table .. ' ' .. tostring(found) })
  end
end

-- The packed verification, its status by the clock, and its times; nothing if
-- its time is over. Where the clock was set back, no code lives longer from
-- now than its rule allows, and no cooldown lasts longer.
local function load(key)
  local record = call('GET', key)
  if not record then
    return nil
  end
  check_format(record, 2, 'verifications')
  local created, expires, resend_at = unpack('>I6I6I6', record, 6)
  if created > now then
    expires = min(expires, now + expires - created)
    resend_at = min(resend_at, now + COOLDOWN[min(max(byte(record, 26), 1), 4)])
    record = sub(record, 1, 5) .. pack('>I6I6I6', now, expires, resend_at) .. sub(record, 24)
    call('SET', key, record, 'KEEPTTL')
  end
  if now >= expires + KEPT_AFTER_EXPIRY then
    return nil
  end
  local status = byte(record, 2)
  if status == PENDING and now >= expires then
    status = EXPIRED
  end
  return record, status, expires, resend_at
end

local function save(key, record)
  call('SET', key, record, 'KEEPTTL')
end

-- Where the two sealed values of a record begin.
local function contact_at(record)
  return byte(record, 99) == 0 and 100 or 116
end

-- The record as it ends: without its code and the MAC of the code before it.
local function ended(record, status)
  local at = contact_at(record)
  local contact = unpack('>I2', record, at)
  return char(2, status) .. sub(record, 3, 98) .. '\0' .. sub(record, at, at + 1 + contact) .. '\0\0'
end

-- An event on its way to the history: verification, id, time, body.
local function note(stream, verification, id, body)
  call('XADD', stream, '*', 'e', sub(verification, TAG + 2) .. id .. pack('>I6', now) .. body)
end

-- A number's record in three parts: times of starts, verifications that stand
-- (38 bytes each: id, profile, until), wrong codes in a row. The fourth value
-- says whether the clock was set back, so that it must be saved in any case.
local function load_number(key)
  local packed = call('GET', key)
  if not packed then
    return '', '', '\0', false
  end
  check_format(packed, 2, 'numbers')
  local starts = sub(packed, 3, 2 + 6 * byte(packed, 2))
  local at = 3 + #starts
  local standing = sub(packed, at + 1, at + 38 * byte(packed, at))
  local guesses = sub(packed, at + 1 + #standing)
  local turned = false
  if #starts > 0 and unpack('>I6', starts, #starts - 5) > now then
    local cut = {}
    for n = 1, #starts, 6 do
      cut[#cut + 1] = pack('>I6', min(unpack('>I6', starts, n), now))
    end
    starts, turned = table.concat(cut), true
  end
  if byte(guesses, 1) == 1 and unpack('>I6', guesses, 6) > now then
    local function count(at, longest)
      local wrong, last, till = unpack('>I4I6I6', guesses, at)
      return pack('>I4I6I6', wrong, min(last, now), min(till, now + longest))
    end
    local cut = { '\1', count(2, DAY), sub(guesses, 18, 18) }
    for n = 19, #guesses, 20 do
      cut[#cut + 1] = sub(guesses, n, n + 3)
      cut[#cut + 1] = count(n + 4, 900000)
    end
    guesses, turned = table.concat(cut), true
  end
  return starts, standing, guesses, turned
end

local function save_number(key, starts, standing, guesses)
  local till = 0
  if #starts > 0 then
    till = unpack('>I6', starts, #starts - 5) + DAY
  end
  for n = 33, #standing, 38 do
    till = max(till, (unpack('>I6', standing, n)))
  end
  if byte(guesses, 1) == 1 then
    till = max(till, unpack('>I6', guesses, 6) + 30 * DAY)
  end
  if till <= now then
    call('DEL', key)
    return
  end
  local packed = char(2, #starts / 6) .. starts .. char(#standing / 38) .. standing .. guesses
  call('SET', key, packed, 'PX', till - now)
end

-- What came of a request with this Idempotency-Key, if it is remembered.
local function replay(key)
  local kept = key and call('GET', key)
  if kept and unpack('>I6', kept) > now then
    return sub(kept, 7)
  end
end

local function remember(key, outcome)
  if key then
    call('SET', key, pack('>I6', now + OUTCOME_KEPT) .. outcome, 'PX', OUTCOME_KEPT)
  end
end

-- A message that waits: state (phase, and 16 while a claim holds it), claims
-- so far, verification (as in its key), message.
local function due_member(state, attempt, verification, message)
  return pack('>BI2', state, attempt) .. sub(verification, TAG + 2) .. message
end

-- Puts a message where the next claim finds it, and wakes whoever sends for
-- this partition on another node.
local function queue(due, verification, message, wake)
  call('ZADD', due, now, due_member(0, 0, verification, message))
  if wake ~= '' then
    call(wake, tag_of(due) .. 'w', '')
  end
end

-- {now, events, their bytes, time of the oldest or now, messages} that wait in a partition.
local function waiting(stream, due)
  local events, bytes, oldest = call('XLEN', stream), 0, now
  if events > 0 then
    bytes = call('MEMORY', 'USAGE', stream)
    local first = call('XRANGE', stream, '-', '+', 'COUNT', 1)
    oldest = unpack('>I6', first[1][2][2], 50)
  end
  return { now, events, bytes, oldest, call('ZCARD', due) }
end

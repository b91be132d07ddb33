-- What every script begins with. The parts beside this one read and write the
-- packed forms of countersign-core (verification/packed.rs, number.rs, guesses.rs,
-- event.rs), by its rules; one contract suite holds this engine and the embedded
-- one to them. A script takes the parts that it uses: each costs every call.
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
-- The keys that a script makes itself bear the tag of those that it was given.
local tag = sub(KEYS[1], 1, 7)

local now
if ARGV[1] == '' then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
else
  now = tonumber(ARGV[1])
end

-- A value of a format that this release does not read is refused, never guessed at.
local function check_format(packed, format, table)
  local found = byte(packed, 1)
  if found ~= format then
    error({ err = 'CSFORMAT ' .. table .. ' ' .. tostring(found) })
  end
end

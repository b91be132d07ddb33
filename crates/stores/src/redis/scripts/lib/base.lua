-- What every script begins with. The parts beside this one read and write the
-- packed forms of countersign-core, by its rules. One contract suite holds this
-- engine and the embedded one to them. A script takes the parts that it uses,
-- because each part costs every call.
--
-- Names between two at signs are numbers, which script.rs puts there before a
-- server gets the script. `Record.checks` is the position of the field `checks`
-- in a packed record, `Record.checks.last` the position of its last byte,
-- `Record.checks.length` how many bytes it has, and `Record.bytes` how many the
-- fixed part of a record has. Positions count from 1. The tables are layout.rs
-- of the core crate and layout.rs beside script.rs; `CheckReply.Wrong` and its
-- like are in reply.rs.
--
-- A key is `{tag}`, one letter, and the rest. All keys of a script have the tag
-- of one partition, also those that the script makes itself from what it reads.
-- ARGV[1] is always the time in milliseconds, for tests. If it is empty, the
-- script takes the server's time.
local call = redis.call
local byte, char, sub = string.byte, string.char, string.sub
local pack, unpack = struct.pack, struct.unpack
local max, min = math.max, math.min

local PENDING, APPROVED, CANCELED, EXPIRED, EXHAUSTED, FAILED = @Status.pending@, @Status.approved@,
  @Status.canceled@, @Status.expired@, @Status.exhausted@, @Status.failed@
local DAY = 86400000
-- A record stays in the store longer than its code is valid, so that a late check gets `expired`.
local KEPT_AFTER_EXPIRY = @Millis.kept_after_expiry@
local OUTCOME_KEPT = @Millis.outcome_kept@
-- The keys that a script makes itself have the tag of those that it was given.
local tag = sub(KEYS[1], 1, @Key.tag.last@)

local now
if ARGV[1] == '' then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
else
  now = tonumber(ARGV[1])
end

-- Refuses a value of a format that this release does not read; it never guesses.
local function check_format(packed, format, table)
  local found = byte(packed, 1)
  if found ~= format then
    error({ err = 'CSFORMAT ' .. table .. ' ' .. tostring(found) })
  end
end

-- A message that waits: state (phase, and 16 while a claim holds it), claims
-- so far, verification (as in its key), message.
local function due_member(state, attempt, verification, message)
  return pack('>BI2', state, attempt) .. sub(verification, 9) .. message
end

-- Where a message waits in this phase. Those whose receipt is awaited stand
-- apart: a release that knows no such phase must not take them for receipts.
local function waits_in(phase)
  return tag .. (phase > 2 and 'a' or 'd')
end

-- Puts a message where the next claim finds it.
local function queue(due, verification, message)
  call('ZADD', due, now, due_member(0, 0, verification, message))
end

-- Wakes whoever sends for this partition on another node. The last thing that
-- an act does, and the only one that may fail: a poll finds the message too.
local function wake(command, due)
  if command ~= '' then
    redis.pcall(command, tag .. 'w', '')
  end
end

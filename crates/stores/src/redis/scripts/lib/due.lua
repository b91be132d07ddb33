-- A message that waits: state (its phase, plus `Claim.held` while a claim holds
-- it), claims so far, verification (as in its key), message.
local function due_member(state, attempt, verification, message)
  return pack('>BI2', state, attempt) .. sub(verification, @Key.tenant@) .. message
end

-- The key of the set where a message waits in this phase. Messages whose receipt
-- is awaited have a set of their own: a release that does not know that phase
-- must not take them for receipts that are due.
local function waits_in(phase)
  return tag .. (phase > @Phase.undelivered@ and 'a' or 'd')
end

-- Puts a message where the next claim finds it.
local function queue(due, verification, message)
  call('ZADD', due, now, due_member(@Phase.send@, 0, verification, message))
end

-- Wakes the worker on another node that sends for this partition. An act does
-- this last. It may fail, because the worker's next poll finds the message too.
local function wake(command, due)
  if command ~= '' then
    redis.pcall(command, tag .. 'w', '')
  end
end

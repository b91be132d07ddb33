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

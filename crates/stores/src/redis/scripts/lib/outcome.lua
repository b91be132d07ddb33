-- What came of a request with this Idempotency-Key, if it is remembered.
local function replay(key)
  local kept = key and call('GET', key)
  if kept and unpack('>I6', kept) > now then
    return sub(kept, 7)
  end
end

local function remember(key, head, rest)
  if key then
    call('SET', key, pack('>I6', now + OUTCOME_KEPT) .. head .. rest, 'PX', OUTCOME_KEPT)
  end
end

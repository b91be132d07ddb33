-- The packed outcome of the request with this Idempotency-Key, if one is remembered.
local function replay(key)
  local kept = key and call('GET', key)
  if kept and unpack('>I6', kept) > now then
    return sub(kept, @Kept.bytes@ + 1)
  end
end

local function remember(key, head, rest)
  if key then
    call('SET', key, pack('>I6', now + OUTCOME_KEPT) .. head .. rest, 'PX', OUTCOME_KEPT)
  end
end

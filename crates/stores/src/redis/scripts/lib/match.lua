-- What is known of a provider's id, as `Match` of countersign-core packs it
-- behind the time up to which it counts: the message, and the receipt that
-- came before that was known; each is empty where there is none.
local function load_match(key)
  local found = call('GET', key)
  if not found or unpack('>I6', found) <= now then
    return '', ''
  end
  found = sub(found, 7)
  check_format(found, 1, 'provider_messages')
  if byte(found, 2) == 0 then
    return '', sub(found, 3)
  end
  return sub(found, 3, 51), sub(found, 52)
end

local function save_match(key, target, parked, kept)
  call('SET', key, pack('>I6', now + kept) .. char(1, target == '' and 0 or 1) .. target .. parked, 'PX', kept)
end

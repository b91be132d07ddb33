-- What the store knows of a provider's id: our message with that id, and a
-- receipt that came before the message was known. Each is empty where there is
-- none. `Match` of countersign-core packs both, behind the time up to which
-- they count.
local function load_match(key)
  local found = call('GET', key)
  if not found or unpack('>I6', found) <= now then
    return '', ''
  end
  found = sub(found, @Kept.bytes@ + 1)
  check_format(found, @Format.match@, 'provider_messages')
  if byte(found, @Match.known@) == 0 then
    return '', sub(found, @Match.target@)
  end
  return sub(found, @Match.target@, @Match.target.last@), sub(found, @Match.bytes@ + 1)
end

local function save_match(key, target, parked, kept)
  call('SET', key, pack('>I6', now + kept) .. char(@Format.match@, target == '' and 0 or 1) .. target .. parked, 'PX', kept)
end

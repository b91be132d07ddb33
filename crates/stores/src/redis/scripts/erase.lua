-- Ends the live verifications of a number, and empties the sealed values of all
-- its records, as `Record::erase` of countersign-core does.
--
-- KEYS  1 number  2 events  3 none
-- ARGV  1 now  2 tenant and mode, as in the keys of verifications  3 the packed author
-- Gives {canceled, now}
local _, standing = load_number(KEYS[1])
local found, canceled = {}, 0
for n = 1, #standing, @Standing.bytes@ do
  local id = sub(standing, n, n + (@Standing.id.last@ - 1))
  local key = tag .. 'v' .. ARGV[2] .. id
  local record, status = load(key)
  if record then
    found[#found + 1] = { key, id, record, status }
  end
end
for _, one in ipairs(found) do
  local key, id, record, status = one[1], one[2], one[3], one[4]
  record = ended(record, status == PENDING and CANCELED or byte(record, @Record.status@), '')
  save(key, sub(record, 1, @Record.bytes@) .. '\0\0\0\0')
  if status == PENDING then
    canceled = canceled + 1
    -- `EventId::of_erasure` of countersign-core: a verification is erased once, so its id
    -- with all bits inverted is unique among events.
    local event = string.gsub(id, '.', function(c) return char(255 - byte(c)) end)
    note(KEYS[2], key, event .. ARGV[3], @Event.canceled@)
  end
end
return { canceled, now }

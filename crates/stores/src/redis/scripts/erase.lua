-- Ends the live verifications of a number, and takes number and notes out of
-- every record of it that stands.
--
-- KEYS  1 number  2 events  3 none
-- ARGV  1 now  2 tenant and mode, as in the keys of verifications
-- Gives {canceled, now}
local _, standing = load_number(KEYS[1])
local found, canceled = {}, 0
for n = 1, #standing, 38 do
  local id = sub(standing, n, n + 15)
  local key = tag .. 'v' .. ARGV[2] .. id
  local record, status = load(key)
  if record then
    found[#found + 1] = { key, id, record, status }
  end
end
for _, one in ipairs(found) do
  local key, id, record, status = one[1], one[2], one[3], one[4]
  record = ended(record, status == PENDING and CANCELED or byte(record, 2), '')
  save(key, sub(record, 1, 99) .. '\0\0\0\0')
  if status == PENDING then
    canceled = canceled + 1
    -- A verification is erased once, so its own id, turned over, is unique among events.
    local event = string.gsub(id, '.', function(c) return char(255 - byte(c)) end)
    note(KEYS[2], key, event, '\1\6')
  end
end
return { canceled, now }

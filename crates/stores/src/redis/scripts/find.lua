-- The newest pending verification of a profile for a number, else the newest
-- whose record still stands.
--
-- KEYS  1 number  2 none
-- ARGV  1 now  2 profile  3 tenant and mode, as in the keys of verifications
-- Gives its id, or nothing
local _, standing = load_number(KEYS[1])
local newest
for n = #standing - 37, 1, -38 do
  if sub(standing, n + 16, n + 31) == ARGV[2] then
    local id = sub(standing, n, n + 15)
    local record, status = load(tag .. 'v' .. ARGV[3] .. id)
    if record then
      if status == PENDING then
        return id
      end
      newest = newest or id
    end
  end
end
return newest

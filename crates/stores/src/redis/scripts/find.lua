-- Finds the newest pending verification of a listing for a number. If none is
-- pending, it finds the newest whose record has not expired from the store.
--
-- KEYS  1 number  2 none
-- ARGV  1 now  2 listing  3 tenant and mode, as in the keys of verifications
-- Gives its id, or nothing
local _, standing = load_number(KEYS[1])
local newest
for n = #standing - (@Standing.bytes@ - 1), 1, -@Standing.bytes@ do
  if sub(standing, n + (@Standing.listing@ - 1), n + (@Standing.listing.last@ - 1)) == ARGV[2] then
    local id = sub(standing, n, n + (@Standing.id.last@ - 1))
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

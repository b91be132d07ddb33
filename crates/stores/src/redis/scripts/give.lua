-- Gives back what a start took that was refused after all.
--
-- KEYS  1 bucket
-- ARGV  1 now  2 microseconds that one takes up
local full = tonumber(call('GET', KEYS[1]) or 0) - ARGV[2]
if full <= now * 1000 then
  call('DEL', KEYS[1])
else
  call('SET', KEYS[1], string.format('%.0f', full), 'KEEPTTL')
end
return 1

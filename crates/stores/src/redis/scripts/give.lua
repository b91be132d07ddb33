-- Gives back what a start took that was refused after all: of it, what has not
-- been regained since.
--
-- KEYS  1 bucket
-- ARGV  1 now  2 microseconds that one takes up  3 when it was taken, in ms
local at = now * 1000
local left = ARGV[2] - max(at - ARGV[3] * 1000, 0)
local full = tonumber(call('GET', KEYS[1]) or 0)
if left > 0 and full > at then
  full = full - left
  if full <= at then
    call('DEL', KEYS[1])
  else
    call('SET', KEYS[1], string.format('%.0f', full), 'KEEPTTL')
  end
end
return 1

-- Gives back what an act took from a bucket, if the act was refused afterwards.
--
-- While a bucket is not full, its stored time moves by whole intervals. So if the
-- stored time differs from the time that the take left by whole intervals, the
-- bucket was never full in between, and one interval is given back. Otherwise the
-- bucket was full in between and has regained this take already: to give it back
-- as well would give back what another act took.
--
-- KEYS  1 bucket
-- ARGV  1 now  2 microseconds that one takes up  3 the time that the take gave
local at, interval = now * 1000, tonumber(ARGV[2])
local full = tonumber(call('GET', KEYS[1]) or 0)
if full > at and (full - ARGV[3]) % interval == 0 then
  full = full - interval
  if full <= at then
    call('DEL', KEYS[1])
  else
    call('SET', KEYS[1], string.format('%.0f', full), 'KEEPTTL')
  end
end
return 1

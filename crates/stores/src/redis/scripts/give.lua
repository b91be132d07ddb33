-- Gives back what was taken for an act that was refused after all.
--
-- From a take that finds nothing owed until all is regained, what is kept moves by
-- whole intervals. So it differs from what the take left by whole intervals if that
-- time still lasts: then the whole interval is given back. Otherwise the bucket was
-- full again in between, and this take is regained with the others: to give it back
-- now would give back what another act took.
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

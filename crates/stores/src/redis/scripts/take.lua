-- Takes one from a bucket (GCRA), or looks whether it would. What is kept is the
-- time, in microseconds, when all that was taken is regained.
--
-- KEYS  1 bucket
-- ARGV  1 now  2 microseconds that one takes up  3 how many fit
--       4 given: look only
-- Gives {1 if one fits, that time in microseconds after it is taken, now}
local at, interval = now * 1000, tonumber(ARGV[2])
local most = at + interval * ARGV[3]
local full = tonumber(call('GET', KEYS[1]) or 0)
local function keep(time)
  if not ARGV[4] then
    call('SET', KEYS[1], string.format('%.0f', time), 'PX', math.ceil((time - at) / 1000) + 1)
  end
end
if full > most then
  -- The clock was set back: no wait is longer than its rule.
  full = most
  keep(full)
end
local after = max(full, at) + interval
if after > most then
  return { 0, full, now }
end
keep(after)
return { 1, after, now }

-- Takes one from a bucket (GCRA), or only looks whether one fits. The bucket is
-- stored as the time, in microseconds, when all that was taken is regained.
--
-- KEYS  1 bucket
-- ARGV  1 now  2 microseconds that one takes up  3 how many fit
--       4 given: look only
-- Gives {TakeReply: Admitted or Refused, that time after the take, now}
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
  return { @TakeReply.Refused@, full, now }
end
keep(after)
return { @TakeReply.Admitted@, after, now }

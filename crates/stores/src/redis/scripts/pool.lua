-- Takes the parts of a message from a member's pool, or only looks whether they
-- fit, or gives them back. A pool is stored as its month and the parts that were
-- taken in it: `202612 40`.
--
-- A later month begins with zero. An earlier one counts in the stored month,
-- because the clocks of two nodes differ, and a member may change its zone.
--
-- KEYS  1 pool
-- ARGV  1 now  2 month  3 parts  4 the parts of a month
--       5 empty, or 'look', or 'give': 2 is then the month that the take answered
-- Gives {TakeReply: Admitted or Refused, month that counts, parts taken in it}
local month, parts, used, way = tonumber(ARGV[2]), tonumber(ARGV[3]), 0, ARGV[5]
local of, taken = 0, 0
local stored = call('GET', KEYS[1])
if stored then
  of, taken = string.match(stored, '^(%d+) (%d+)$')
  of, taken = tonumber(of), tonumber(taken)
end
local function keep()
  call('SET', KEYS[1], string.format('%.0f %.0f', month, used), 'PX', @Millis.pool_kept@)
end
if way == 'give' then
  -- The parts of a month that is over are not given back.
  if of == month then
    used = max(taken - parts, 0)
    keep()
  end
  return { @TakeReply.Admitted@, month, used }
end
if of >= month then
  month, used = of, taken
end
if used + parts > tonumber(ARGV[4]) then
  return { @TakeReply.Refused@, month, used }
end
used = used + parts
if way ~= 'look' then
  keep()
end
return { @TakeReply.Admitted@, month, used }

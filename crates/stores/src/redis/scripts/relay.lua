-- Publishes which keys end, and up to which change this node has read the
-- directory, unless another node has published that before.
--
-- KEYS  1 relays  2 head
-- ARGV  1 now  2 number of the change up to which the directory was read; 0: only ends are published  3 packed relay
-- Gives 1
local up_to, head = tonumber(ARGV[2]), tonumber(call('GET', KEYS[2]) or 0)
if up_to > head then
  call('SET', KEYS[2], ARGV[2])
end
if up_to > head or up_to == 0 then
  local id = call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'r', ARGV[3])
  -- Ten minutes are enough. A node that was away for longer finds a gap, and
  -- reads the directory before its copy counts as fresh.
  local oldest = tonumber(string.match(id, '^%d+')) - 600000
  call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', oldest))
end
return 1

-- {now, events, their bytes, time of the oldest or now, messages} that wait in a partition.
local function waiting(stream, due)
  local events, bytes, oldest = call('XLEN', stream), 0, now
  if events > 0 then
    bytes = call('MEMORY', 'USAGE', stream)
    local first = call('XRANGE', stream, '-', '+', 'COUNT', 1)
    local value = first[1][2][2]
    -- One that no script of ours wrote has the time of its place alone.
    oldest = #value >= 55 and unpack('>I6', value, 50) or tonumber(string.match(first[1][1], '^%d+'))
  end
  return { now, events, bytes, oldest, call('ZCARD', due) + call('ZCARD', tag .. 'l') }
end

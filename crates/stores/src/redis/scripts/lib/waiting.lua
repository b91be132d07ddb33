-- {now, events, their bytes, the time of the oldest event or now, messages} that wait in a partition.
local function waiting(stream, due)
  local events, bytes, oldest = call('XLEN', stream), 0, now
  if events > 0 then
    bytes = call('MEMORY', 'USAGE', stream)
    local first = call('XRANGE', stream, '-', '+', 'COUNT', 1)
    local value = first[1][2][2]
    -- An entry that no script of ours wrote has no time but that of its id in the stream.
    oldest = #value >= @Entry.bytes@ and unpack('>I6', value, @Entry.time@) or tonumber(string.match(first[1][1], '^%d+'))
  end
  return { now, events, bytes, oldest, call('ZCARD', due) + call('ZCARD', tag .. 'l') }
end

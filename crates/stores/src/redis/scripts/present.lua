-- Notes that a worker lives, and reads which workers do. A worker that was silent
-- for the time of ARGV[3] is considered dead.
--
-- KEYS  1 workers
-- ARGV  1 now  2 id of the worker; empty: only ask  3 ms of silence  4 not empty: it leaves
-- Gives the ids of the living workers
if ARGV[4] ~= '' then
  call('ZREM', KEYS[1], ARGV[2])
elseif ARGV[2] ~= '' then
  call('ZADD', KEYS[1], now, ARGV[2])
end
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[3]))
return call('ZRANGE', KEYS[1], 0, -1)

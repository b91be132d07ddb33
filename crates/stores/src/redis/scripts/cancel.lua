-- Ends a verification on the client's word.
--
-- KEYS  1 verification  2 events
-- ARGV  1 now  2 id of the event
-- Gives {0}: no such verification · {1, now, record}: canceled · {2, now, record}: over before
local record, status = load(KEYS[1])
if not record then
  return { 0 }
end
if status ~= PENDING then
  return { 2, now, record }
end
record = ended(record, CANCELED, '')
save(KEYS[1], record)
note(KEYS[2], KEYS[1], ARGV[2], '\1\6')
return { 1, now, record }

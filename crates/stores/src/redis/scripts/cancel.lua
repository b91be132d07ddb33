-- Ends a verification because the client asked for it.
--
-- KEYS  1 verification  2 events
-- ARGV  1 now  2 id of the event, and the packed author
-- Gives CancelReply: {Missing}: no such verification · {Canceled, now, record} · {Ended, now, record}: over before
local record, status = load(KEYS[1])
if not record then
  return { @CancelReply.Missing@ }
end
if status ~= PENDING then
  return { @CancelReply.Ended@, now, record }
end
record = ended(record, CANCELED, '')
save(KEYS[1], record)
note(KEYS[2], KEYS[1], ARGV[2], @Event.canceled@)
return { @CancelReply.Canceled@, now, record }

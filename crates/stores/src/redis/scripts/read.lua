-- Reads a verification.
--
-- KEYS  1 verification
-- ARGV  1 now
-- Gives ReadReply: {Missing}: no such verification · {Found, now, record}
local record = load(KEYS[1])
if not record then
  return { @ReadReply.Missing@ }
end
return { @ReadReply.Found@, now, record }

-- KEYS  1 verification
-- ARGV  1 now
-- Gives {0}: no such verification · {1, now, record}
local record = load(KEYS[1])
if not record then
  return { 0 }
end
return { 1, now, record }

-- Begins the count of wrong codes for a number anew.
--
-- KEYS  1 number
-- ARGV  1 now
-- Gives how many there were in a row
local starts, standing, guesses = load_number(KEYS[1])
if byte(guesses, 1) == 0 then
  return 0
end
local wrong, last = unpack('>I4I6', guesses, 2)
save_number(KEYS[1], starts, standing, '\0')
return now - last >= 30 * DAY and 0 or wrong

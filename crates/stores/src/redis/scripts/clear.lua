-- Forgets the wrong codes of a number.
--
-- KEYS  1 number
-- ARGV  1 now
-- Gives how many there were in a row
local starts, standing, guesses = load_number(KEYS[1])
if byte(guesses, @Guesses.counted@) == 0 then
  return 0
end
local wrong, last = unpack('>I4I6', guesses, @Guesses.number@)
save_number(KEYS[1], starts, standing, '\0')
return now - last >= 30 * DAY and 0 or wrong

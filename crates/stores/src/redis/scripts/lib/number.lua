-- A number's record in three parts: times of starts, verifications that stand
-- (38 bytes each: id, profile, until), wrong codes in a row. The fourth value
-- says whether the clock was set back, so that it must be saved in any case.
local function load_number(key)
  local packed = call('GET', key)
  if not packed then
    return '', '', '\0', false
  end
  check_format(packed, 2, 'numbers')
  local starts = sub(packed, 3, 2 + 6 * byte(packed, 2))
  local at = 3 + #starts
  local standing = sub(packed, at + 1, at + 38 * byte(packed, at))
  local guesses = sub(packed, at + 1 + #standing)
  local turned = false
  if #starts > 0 and unpack('>I6', starts, #starts - 5) > now then
    local cut = {}
    for n = 1, #starts, 6 do
      cut[#cut + 1] = pack('>I6', min(unpack('>I6', starts, n), now))
    end
    starts, turned = table.concat(cut), true
  end
  if byte(guesses, 1) == 1 and unpack('>I6', guesses, 6) > now then
    local function count(at, longest)
      local wrong, last, till = unpack('>I4I6I6', guesses, at)
      return pack('>I4I6I6', wrong, min(last, now), min(till, now + longest))
    end
    local cut = { '\1', count(2, DAY), sub(guesses, 18, 18) }
    for n = 19, #guesses, 20 do
      cut[#cut + 1] = sub(guesses, n, n + 3)
      cut[#cut + 1] = count(n + 4, 900000)
    end
    guesses, turned = table.concat(cut), true
  end
  return starts, standing, guesses, turned
end

local function save_number(key, starts, standing, guesses)
  local till = 0
  if #starts > 0 then
    -- No record stands as long as a start is remembered.
    till = unpack('>I6', starts, #starts - 5) + DAY
  else
    for n = 33, #standing, 38 do
      till = max(till, (unpack('>I6', standing, n)))
    end
  end
  if byte(guesses, 1) == 1 then
    till = max(till, unpack('>I6', guesses, 6) + 30 * DAY)
  end
  if till <= now then
    call('DEL', key)
    return
  end
  local packed = char(2, #starts / 6) .. starts .. char(#standing / 38) .. standing .. guesses
  call('SET', key, packed, 'PX', till - now)
end

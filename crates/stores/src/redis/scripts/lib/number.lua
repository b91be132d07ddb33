-- A number's record in three parts: the times of its starts, the verifications
-- whose records are still stored (id, listing, until, each), and its wrong codes
-- in a row. The fourth value says whether the clock was set back: then the
-- caller must save the record in any case.
local function load_number(key)
  local packed = call('GET', key)
  if not packed then
    return '', '', '\0', false
  end
  check_format(packed, @Format.number_record@, 'numbers')
  local starts = sub(packed, @NumberRecord.bytes@ + 1,
    @NumberRecord.bytes@ + @Time.bytes@ * byte(packed, @NumberRecord.starts@))
  -- The byte behind the starts says how many verifications follow.
  local at = @NumberRecord.bytes@ + 1 + #starts
  local standing = sub(packed, at + 1, at + @Standing.bytes@ * byte(packed, at))
  local guesses = sub(packed, at + 1 + #standing)
  local turned = false
  if #starts > 0 and unpack('>I6', starts, #starts - (@Time.bytes@ - 1)) > now then
    local cut = {}
    for n = 1, #starts, @Time.bytes@ do
      cut[#cut + 1] = pack('>I6', min(unpack('>I6', starts, n), now))
    end
    starts, turned = table.concat(cut), true
  end
  if byte(guesses, @Guesses.counted@) == 1 and unpack('>I6', guesses, @Guesses.number@ + @Count.latest@ - 1) > now then
    local function count(at, longest)
      local wrong, last, till = unpack('>I4I6I6', guesses, at)
      return pack('>I4I6I6', wrong, min(last, now), min(till, now + longest))
    end
    local cut = { '\1', count(@Guesses.number@, DAY), sub(guesses, @Guesses.sources@, @Guesses.sources@) }
    for n = @Guesses.bytes@ + 1, #guesses, @SourceCount.bytes@ do
      cut[#cut + 1] = sub(guesses, n, n + (@SourceCount.source.length@ - 1))
      cut[#cut + 1] = count(n + @SourceCount.source.length@, 900000)
    end
    guesses, turned = table.concat(cut), true
  end
  return starts, standing, guesses, turned
end

local function save_number(key, starts, standing, guesses)
  local till = 0
  if #starts > 0 then
    -- A start is remembered for longer than any record of a verification is stored.
    till = unpack('>I6', starts, #starts - (@Time.bytes@ - 1)) + DAY
  else
    for n = @Standing.until@, #standing, @Standing.bytes@ do
      till = max(till, (unpack('>I6', standing, n)))
    end
  end
  if byte(guesses, @Guesses.counted@) == 1 then
    till = max(till, unpack('>I6', guesses, @Guesses.number@ + @Count.latest@ - 1) + 30 * DAY)
  end
  if till <= now then
    call('DEL', key)
    return
  end
  local packed = char(@Format.number_record@, #starts / @Time.bytes@) .. starts
    .. char(#standing / @Standing.bytes@) .. standing .. guesses
  call('SET', key, packed, 'PX', till - now)
end

-- Checks one submitted code: compares it, counts it, and notes the event.
--
-- KEYS  1 verification  2 events  3 none  4 outcome (if there is an Idempotency-Key)
-- ARGV  1 now  2 MACs: [version][MAC, 16] for each readable key version
--       3 two bytes: characters submitted; 1 if all are digits, 2 if all are of the letters alphabet, 3 if both;
--         then the mark of the payment that was given, 16 bytes, if one was
--       4 id of the event, and the packed author  5 the packed outcome before what was found (with KEYS[4] only)
--       6 not empty: a replay writes its outcome again, so that the caller can wait until its replicas have it
-- Gives CheckReply; `left` is the number of tries that are left:
--       {Missing}: no such verification · {Ended, status, left}: over before · {InvalidCode, 0, left}
--       {GuessLimit, wait in ms, left, 1 if the count of the number made the wait} · {UnknownKeyVersion, 0, left}
--       {Approved, 0, left} · {Wrong, 0, left} · {Exhausted, 0, 0} · {Replay, packed outcome}
--       {TransactionMismatch, 0, left}: the code is for another payment, or for none; now canceled
local outcome = replay(KEYS[4])
if outcome then
  if ARGV[6] ~= '' then
    remember(KEYS[4], outcome, '')
  end
  return { @CheckReply.Replay@, outcome }
end
local record, status, expires = load(KEYS[1])
if not record then
  return { @CheckReply.Missing@ }
end
local checks, max_checks = byte(record, @Record.checks@), byte(record, @Record.max_checks@)
local left = max(max_checks - checks, 0)
-- Test mode: the first check finds it expired.
if status == PENDING and math.floor(byte(record, @Record.flags@) / @Flag.expires_at_check@) % 2 == 1 then
  record = sub(record, 1, @Record.created_at.last@) .. pack('>I6', min(expires, now)) .. sub(record, @Record.resend_at@)
  save(KEYS[1], record)
  status = EXPIRED
end
-- If this same call ran before and its answer was lost, it gets the same answer again.
local tail = tail_at(record)
if sub(record, tail) == sub(ARGV[4], @EventId.second_half@, @EventId.second_half.last@) then
  if status == APPROVED then
    -- Written again, so that the caller can wait on this connection until its replicas have it.
    save(KEYS[1], record)
    return { @CheckReply.Approved@, 0, left }
  end
  if status == CANCELED then
    return { @CheckReply.TransactionMismatch@, 0, left }
  end
  return status == EXHAUSTED and { @CheckReply.Exhausted@, 0, 0 } or { @CheckReply.Wrong@, 0, left }
end
if status ~= PENDING then
  return { @CheckReply.Ended@, status, left }
end

local length, alphabet = byte(record, @Record.length@), byte(record, @Record.alphabet@)
if length ~= byte(ARGV[3], @Submitted.length@)
  or math.floor(byte(ARGV[3], @Submitted.alphabets@) / (alphabet + 1)) % 2 == 0 then
  return { @CheckReply.InvalidCode@, 0, left }
end

if sub(ARGV[3], @Submitted.bytes@ + 1) ~= payment(record) then
  save(KEYS[1], ended(record, CANCELED, sub(ARGV[4], @EventId.second_half@, @EventId.second_half.last@)))
  note(KEYS[2], KEYS[1], ARGV[4], @Event.transaction_mismatch@)
  remember(KEYS[4], ARGV[5], char(@Evaluated.transaction_mismatch@, left))
  return { @CheckReply.TransactionMismatch@, 0, left }
end

-- Wrong codes in a row: of the number, and of the source of these guesses.
local number_key = tag .. 'n' .. sub(KEYS[1], @Key.mode@, @Key.mode.last@)
  .. sub(record, @Record.number@, @Record.number.last@)
local starts, standing, guesses, turned = load_number(number_key)
if turned then
  save_number(number_key, starts, standing, guesses)
end
local source = sub(record, @Record.source@, @Record.source.last@)
local source_at
for n = @Guesses.bytes@ + 1, #guesses, @SourceCount.bytes@ do
  if sub(guesses, n, n + (@SourceCount.source.length@ - 1)) == source then
    source_at = n
  end
end
if byte(guesses, @Guesses.counted@) == 1 then
  local of_number = max(unpack('>I6', guesses, @Guesses.number@ + @Count.until@ - 1) - now, 0)
  local of_source = source_at
    and max(unpack('>I6', guesses, source_at + (@SourceCount.count@ + @Count.until@ - 2)) - now, 0) or 0
  if of_number > 0 or of_source > 0 then
    return { @CheckReply.GuessLimit@, max(of_number, of_source), left, of_number >= of_source and 1 or 0 }
  end
end

-- Lua compares whole strings, and these are MACs, so the time of the comparison reveals nothing useful.
local function given(version)
  for n = 1, #ARGV[2], @Mac.bytes@ do
    if byte(ARGV[2], n) == version then
      return sub(ARGV[2], n + 1, n + @Mac.mac.length@)
    end
  end
end
local right = false
for n = @Record.mac_version@, byte(record, @Record.previous_version@) == 0
  and @Record.mac_version@ or @Record.previous_version@, @Mac.bytes@ do
  local mac = given(byte(record, n))
  if not mac then
    return { @CheckReply.UnknownKeyVersion@, 0, left }
  end
  right = mac == sub(record, n + 1, n + @Mac.mac.length@) or right
end

if right then
  save(KEYS[1], ended(record, APPROVED, sub(ARGV[4], @EventId.second_half@, @EventId.second_half.last@)))
  if byte(guesses, @Guesses.counted@) == 1 then
    save_number(number_key, starts, standing, '\0')
  end
  note(KEYS[2], KEYS[1], ARGV[4], @Event.approved@)
  remember(KEYS[4], ARGV[5], char(@Evaluated.approved@, left))
  return { @CheckReply.Approved@, 0, left }
end

checks = min(checks + 1, 255)
left = max(max_checks - checks, 0)
record = sub(record, 1, @Record.resend_at.last@) .. char(checks) .. sub(record, @Record.max_checks@, tail - 1)
local judged = sub(ARGV[4], @EventId.second_half@, @EventId.second_half.last@)
save(KEYS[1], left == 0 and ended(record, EXHAUSTED, judged) or record .. judged)

-- From so many in a row on each further one costs a day: fewer where there are
-- fewer codes to guess from.
local last_step = 100
if length <= 4 then
  last_step = alphabet == @Alphabet.digits@ and 5 or 20
elseif length == 5 and alphabet == @Alphabet.digits@ then
  last_step = 10
end
local STEPS = { [10] = 60000, [20] = 300000, [30] = 900000, [50] = 3600000, [75] = 21600000 }
local function number_wait(wrong)
  return wrong >= last_step and DAY or STEPS[wrong]
end
local function source_wait(wrong)
  return wrong >= 5 and min(15000 * 2 ^ min(wrong - 5, 6), 900000) or nil
end
local function add(packed, wait_of)
  local wrong, last, till = unpack('>I4I6I6', packed)
  if now - last >= 30 * DAY then
    wrong, till = 0, 0
  end
  wrong = min(wrong + 1, 65535)
  local wait = wait_of(wrong)
  return pack('>I4I6I6', wrong, now, wait and now + wait or till), wrong, wait or 0
end

local NONE = string.rep('\0', 16)
local counted, in_row, wait = add(byte(guesses, @Guesses.counted@) == 1
  and sub(guesses, @Guesses.number@, @Guesses.number.last@) or NONE, number_wait)
local sources = sub(guesses, @Guesses.bytes@ + 1)
local of_number = true
if source ~= '\0\0\0\0' then
  local of_source = NONE
  if source_at then
    of_source = sub(guesses, source_at + (@SourceCount.count@ - 1), source_at + (@SourceCount.count.last@ - 1))
    sources = sub(guesses, @Guesses.bytes@ + 1, source_at - 1) .. sub(guesses, source_at + @SourceCount.bytes@)
  elseif #sources >= @Most.sources@ * @SourceCount.bytes@ then
    -- The source of the latest guess is the last. So the first has been idle for longest, and is forgotten.
    sources = sub(sources, @SourceCount.bytes@ + 1)
  end
  local source_counted, _, source_waits = add(of_source, source_wait)
  sources = sources .. source .. source_counted
  of_number = wait >= source_waits
  wait = max(wait, source_waits)
end
save_number(number_key, starts, standing, '\1' .. counted .. char(#sources / @SourceCount.bytes@) .. sources)

local kind = wait == 0 and 0 or (of_number and 2 or 1)
local row = pack('>I4BI6', in_row, kind, wait)
if left == 0 then
  note(KEYS[2], KEYS[1], ARGV[4], @Event.exhausted@ .. row)
  remember(KEYS[4], ARGV[5], char(@Evaluated.exhausted@, 0))
  return { @CheckReply.Exhausted@, 0, 0 }
end
note(KEYS[2], KEYS[1], ARGV[4], @Event.check_wrong@ .. char(left) .. row)
remember(KEYS[4], ARGV[5], char(@Evaluated.wrong@, left))
return { @CheckReply.Wrong@, 0, left }

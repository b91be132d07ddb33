-- Evaluates one submitted code: count, compare, consume, note the event.
--
-- KEYS  1 verification  2 events  3 none  4 outcome (if there is an Idempotency-Key)
-- ARGV  1 now  2 MACs: [version][MAC, 16] for each readable key version
--       3 two bytes: characters submitted; 1 if all are digits, 2 if all are of the letters alphabet, 3 if both;
--         then the mark of the payment that was given, 16 bytes, if one was
--       4 id of the event  5 the packed outcome before what was found (with KEYS[4] only)
--       6 not empty: a repeat writes its outcome anew, so that the caller can wait for its replicas
-- Gives {0}: no such verification · {1, status, left}: over before · {2, 0, left}: cannot be the code
--       {3, wait in ms, left, 1 if of the number}: a wait runs · {4, 0, left}: unknown key version
--       {5, 0, left}: approved · {6, 0, left}: wrong · {7, 0, 0}: exhausted · {8, packed outcome}: a repeat
--       {9, 0, left}: for another payment than the code, or for none: canceled
local outcome = replay(KEYS[4])
if outcome then
  if ARGV[6] ~= '' then
    remember(KEYS[4], outcome, '')
  end
  return { 8, outcome }
end
local record, status, expires = load(KEYS[1])
if not record then
  return { 0 }
end
local checks, max_checks = byte(record, 24), byte(record, 25)
local left = max(max_checks - checks, 0)
-- Test mode: the first check finds it expired.
if status == PENDING and math.floor(byte(record, 5) / 2) % 2 == 1 then
  record = sub(record, 1, 11) .. pack('>I6', min(expires, now)) .. sub(record, 18)
  save(KEYS[1], record)
  status = EXPIRED
end
-- This same call, whose first answer was lost: it is told again what it was told.
local tail = tail_at(record)
if sub(record, tail) == sub(ARGV[4], 9) then
  if status == APPROVED then
    -- Written anew, so that the caller can wait for its replicas on this connection.
    save(KEYS[1], record)
    return { 5, 0, left }
  end
  if status == CANCELED then
    return { 9, 0, left }
  end
  return status == EXHAUSTED and { 7, 0, 0 } or { 6, 0, left }
end
if status ~= PENDING then
  return { 1, status, left }
end

local length, alphabet = byte(record, 28), byte(record, 29)
if length ~= byte(ARGV[3], 1) or math.floor(byte(ARGV[3], 2) / (alphabet + 1)) % 2 == 0 then
  return { 2, 0, left }
end

if sub(ARGV[3], 3) ~= payment(record) then
  save(KEYS[1], ended(record, CANCELED, sub(ARGV[4], 9)))
  note(KEYS[2], KEYS[1], ARGV[4], '\1\20')
  remember(KEYS[4], ARGV[5], char(3, left))
  return { 9, 0, left }
end

-- Wrong codes in a row: of the number, and of where the guesses come from.
local number_key = tag .. 'n' .. sub(KEYS[1], 25, 25) .. sub(record, 46, 61)
local starts, standing, guesses, turned = load_number(number_key)
if turned then
  save_number(number_key, starts, standing, guesses)
end
local source = sub(record, 78, 81)
local source_at
for n = 19, #guesses, 20 do
  if sub(guesses, n, n + 3) == source then
    source_at = n
  end
end
if byte(guesses, 1) == 1 then
  local of_number = max(unpack('>I6', guesses, 12) - now, 0)
  local of_source = source_at and max(unpack('>I6', guesses, source_at + 14) - now, 0) or 0
  if of_number > 0 or of_source > 0 then
    return { 3, max(of_number, of_source), left, of_number >= of_source and 1 or 0 }
  end
end

-- Strings are compared as a whole here, and what is compared is a MAC.
local function given(version)
  for n = 1, #ARGV[2], 17 do
    if byte(ARGV[2], n) == version then
      return sub(ARGV[2], n + 1, n + 16)
    end
  end
end
local right = false
for n = 82, byte(record, 99) == 0 and 82 or 99, 17 do
  local mac = given(byte(record, n))
  if not mac then
    return { 4, 0, left }
  end
  right = mac == sub(record, n + 1, n + 16) or right
end

if right then
  save(KEYS[1], ended(record, APPROVED, sub(ARGV[4], 9)))
  if byte(guesses, 1) == 1 then
    save_number(number_key, starts, standing, '\0')
  end
  note(KEYS[2], KEYS[1], ARGV[4], '\1\4')
  remember(KEYS[4], ARGV[5], char(0, left))
  return { 5, 0, left }
end

checks = min(checks + 1, 255)
left = max(max_checks - checks, 0)
record = sub(record, 1, 23) .. char(checks) .. sub(record, 25, tail - 1)
local judged = sub(ARGV[4], 9)
save(KEYS[1], left == 0 and ended(record, EXHAUSTED, judged) or record .. judged)

-- From so many in a row on each further one costs a day: fewer where there are
-- fewer codes to guess from.
local last_step = 100
if length <= 4 then
  last_step = alphabet == 0 and 5 or 20
elseif length == 5 and alphabet == 0 then
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
local counted, in_row, wait = add(byte(guesses, 1) == 1 and sub(guesses, 2, 17) or NONE, number_wait)
local sources = sub(guesses, 19)
local of_number = true
if source ~= '\0\0\0\0' then
  local of_source = NONE
  if source_at then
    of_source = sub(guesses, source_at + 4, source_at + 19)
    sources = sub(guesses, 19, source_at - 1) .. sub(guesses, source_at + 20)
  elseif #sources >= 400 then
    -- The one that guessed last stands last: the idlest of 20 is forgotten.
    sources = sub(sources, 21)
  end
  local source_counted, _, source_waits = add(of_source, source_wait)
  sources = sources .. source .. source_counted
  of_number = wait >= source_waits
  wait = max(wait, source_waits)
end
save_number(number_key, starts, standing, '\1' .. counted .. char(#sources / 20) .. sources)

local kind = wait == 0 and 0 or (of_number and 2 or 1)
local row = pack('>I4BI6', in_row, kind, wait)
if left == 0 then
  note(KEYS[2], KEYS[1], ARGV[4], '\1\5' .. row)
  remember(KEYS[4], ARGV[5], char(2, 0))
  return { 7, 0, 0 }
end
note(KEYS[2], KEYS[1], ARGV[4], '\1\3' .. char(left) .. row)
remember(KEYS[4], ARGV[5], char(1, left))
return { 6, 0, left }

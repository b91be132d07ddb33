-- The wait after the n-th send.
local function cooldown(sends)
  return sends < 2 and 30000 or sends == 2 and 40000 or sends == 3 and 60000 or 90000
end

-- The packed verification, its status by the clock, and its times; nothing if
-- its time is over. Where the clock was set back, no code lives longer from
-- now than its rule allows, and no cooldown lasts longer.
local function load(key)
  local record = call('GET', key)
  if not record then
    return nil
  end
  -- Format 4 is format 3 with the mark of a payment.
  check_format(record, byte(record, 1) == 4 and 4 or 3, 'verifications')
  local created, expires, resend_at = unpack('>I6I6I6', record, 6)
  if created > now then
    expires = min(expires, now + expires - created)
    resend_at = min(resend_at, now + cooldown(byte(record, 26)))
    record = sub(record, 1, 5) .. pack('>I6I6I6', now, expires, resend_at) .. sub(record, 24)
    call('SET', key, record, 'KEEPTTL')
  end
  if now >= expires + KEPT_AFTER_EXPIRY then
    return nil
  end
  local status = byte(record, 2)
  if status == PENDING and now >= expires then
    status = EXPIRED
  end
  return record, status, expires, resend_at
end

local function save(key, record)
  call('SET', key, record, 'KEEPTTL')
end

-- Where the two sealed values of a record begin.
local function contact_at(record)
  return byte(record, 99) == 0 and 100 or 116
end

-- Behind the two sealed values.
local function payment_at(record)
  local at = contact_at(record)
  at = at + 2 + unpack('>I2', record, at)
  return at + 2 + unpack('>I2', record, at)
end

-- The mark of the payment that the code confirms, or nothing.
local function payment(record)
  if byte(record, 1) == 3 then
    return ''
  end
  local at = payment_at(record)
  return sub(record, at, at + 15)
end

-- Where the check that was evaluated last stands, if one was.
local function tail_at(record)
  return payment_at(record) + #payment(record)
end

-- The record as it ends: without its code, the MAC of the code before it, and its payment.
local function ended(record, status, judged)
  local at = contact_at(record)
  local contact = unpack('>I2', record, at)
  return char(3, status) .. sub(record, 3, 98) .. '\0' .. sub(record, at, at + 1 + contact) .. '\0\0' .. judged
end

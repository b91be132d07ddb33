-- The wait after the n-th send.
local function cooldown(sends)
  return sends < 2 and 30000 or sends == 2 and 40000 or sends == 3 and 60000 or 90000
end

-- The packed verification, its status by the clock, and its times. Nothing if
-- its time is over. If the clock was set back, this cuts the times, so that no
-- code and no cooldown lasts longer from now than its rule allows.
local function load(key)
  local record = call('GET', key)
  if not record then
    return nil
  end
  check_format(record, byte(record, @Record.format@) == @Format.record_with_payment@
    and @Format.record_with_payment@ or @Format.record@, 'verifications')
  local created, expires, resend_at = unpack('>I6I6I6', record, @Record.created_at@)
  if created > now then
    expires = min(expires, now + expires - created)
    resend_at = min(resend_at, now + cooldown(byte(record, @Record.sends@)))
    record = sub(record, 1, @Record.flags@) .. pack('>I6I6I6', now, expires, resend_at) .. sub(record, @Record.checks@)
    call('SET', key, record, 'KEEPTTL')
  end
  if now >= expires + KEPT_AFTER_EXPIRY then
    return nil
  end
  local status = byte(record, @Record.status@)
  if status == PENDING and now >= expires then
    status = EXPIRED
  end
  return record, status, expires, resend_at
end

local function save(key, record)
  call('SET', key, record, 'KEEPTTL')
end

-- Where the first of the two sealed values of a record begins: behind the MAC of
-- the previous code, if that code is still valid.
local function contact_at(record)
  return byte(record, @Record.previous_version@) == 0 and @Record.bytes@ + 1 or @Record.bytes@ + @Mac.mac.length@ + 1
end

-- Where the mark of a payment begins if there is one: behind the two sealed values.
local function payment_at(record)
  local at = contact_at(record)
  at = at + @Blob.bytes@ + unpack('>I2', record, at)
  return at + @Blob.bytes@ + unpack('>I2', record, at)
end

-- The mark of the payment that the code confirms, or nothing.
local function payment(record)
  if byte(record, @Record.format@) == @Format.record@ then
    return ''
  end
  local at = payment_at(record)
  return sub(record, at, at + (@Payment.bytes@ - 1))
end

-- Where the half of an event's id begins that names the last evaluated check, if there was one.
local function tail_at(record)
  return payment_at(record) + #payment(record)
end

-- The record of a verification that ends: without its code, the MAC of the previous code, and its payment.
local function ended(record, status, judged)
  local at = contact_at(record)
  local contact = unpack('>I2', record, at)
  return char(@Format.record@, status) .. sub(record, @Record.delivery@, @Record.mac.last@) .. '\0'
    .. sub(record, at, at + (@Blob.bytes@ - 1) + contact) .. '\0\0' .. judged
end

-- Appends an event, which waits there for the history: verification, id, time, body. The packed author may follow the
-- id. It becomes a third field: an older release adds a second field to the body, and reads no third.
local function note(stream, verification, id, body)
  local entry = sub(verification, @Key.tenant@) .. sub(id, 1, @EventId.bytes@) .. pack('>I6', now) .. body
  if #id == @EventId.bytes@ then
    call('XADD', stream, '*', 'e', entry)
  else
    call('XADD', stream, '*', 'e', entry, 'm', '', 'w', sub(id, @EventId.bytes@ + 1))
  end
end

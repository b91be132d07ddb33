-- Appends an event, which waits there for the history: verification, id, time, body.
local function note(stream, verification, id, body)
  call('XADD', stream, '*', 'e', sub(verification, @Key.tenant@) .. id .. pack('>I6', now) .. body)
end

-- An event on its way to the history: verification, id, time, body.
local function note(stream, verification, id, body)
  call('XADD', stream, '*', 'e', sub(verification, 9) .. id .. pack('>I6', now) .. body)
end

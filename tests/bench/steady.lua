-- wrk: what record.lua does, with a pause between the requests of each client.
-- Arguments: those of record.lua, and the milliseconds.
dofile(debug.getinfo(1, "S").source:match("@(.*)/") .. "/record.lua")
local pause = 0
local beginning = init

function init(args)
  beginning(args)
  pause = tonumber(args[2])
end

function delay()
  return pause
end

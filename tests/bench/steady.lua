-- wrk: what record.lua does, so many times a second by a schedule, however long the answers take.
-- Arguments: those of record.lua, and how many a second.
dofile(debug.getinfo(1, "S").source:match("@(.*)/") .. "/record.lua")
local ffi = require("ffi")
ffi.cdef("typedef struct { long s, ns; } moment; int clock_gettime(int clock, moment *at);")
local MONOTONIC = 1
local at = ffi.new("moment")
local between, due
local beginning = init

function init(args)
  beginning(args)
  between = 1000 / tonumber(args[2])
end

function delay()
  ffi.C.clock_gettime(MONOTONIC, at)
  local now = tonumber(at.s) * 1e3 + tonumber(at.ns) / 1e6
  due = (due or now) + between
  return math.max(0, due - now)
end

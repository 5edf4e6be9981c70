-- wrk: POST an occurrence, each request on the next ticket as the next person, with a key of its own.
dofile(debug.getinfo(1, "S").source:match("@(.*)/") .. "/done.lua")
local targets = {}
local n = 0

function init(args)
  math.randomseed(os.time())
  for line in io.lines(args[1]) do
    local ticket, token = line:match("(%S+) (%S+)")
    targets[#targets + 1] = { ticket, token }
  end
  n = math.random(#targets)
  body = '{"description_html":"<p>' .. string.rep("Troquei o cabo de rede da sala. ", 8)
    .. '</p>","occurred_at":"2026-01-05T10:00:00-03:00","time_spent_minutes":15,"channel":"execution"}'
end

function request()
  n = n % #targets + 1
  local target = targets[n]
  return wrk.format("POST", "/api/notes/tickets/" .. target[1] .. "/occurrences", {
    ["Authorization"] = "Bearer " .. target[2],
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = string.format("%x%x%x", os.time(), math.random(2 ^ 31 - 1), math.random(2 ^ 31 - 1)),
  }, body)
end

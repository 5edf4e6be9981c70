-- wrk: POST an occurrence, each request on the next ticket as the next person, with a key of its own.
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

function done(summary, latency, _)
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "bad": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end

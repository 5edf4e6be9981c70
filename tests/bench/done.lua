-- wrk: what it counted, as one line of JSON.
function done(summary, latency, _)
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "bad": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end

-- Posts the lines of a file in turn, and says as JSON what came of it.
--   wrk -s post.lua URL -- FILE

local requests, place = {}, 0

function init(arguments)
  local headers = { ["content-type"] = "application/json" }
  for body in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(99), failed))
end

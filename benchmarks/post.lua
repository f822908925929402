-- For wrk: sends one body over and over, and tells what came of it as JSON.
-- Arguments: the file of the body, its Content-Type.

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = arguments[2]
    file:close()
end

function done(summary, latency, requests)
    local lost = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "errors": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        lost.connect + lost.read + lost.write + lost.status + lost.timeout
    ))
end

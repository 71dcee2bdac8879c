-- One script for every server that is measured, so that the load side pays the same for each.
-- Arguments: a file of lines "secret path", with further headers, "body=" with a body and "method=" with a method behind
-- tabs; the method and the body of those without one (the body may be empty).
-- Requests are put together before the run; during it a request is one look-up in a table, another secret each time.

local requests = {}
local last = 0

function init(args)
    local method = args[2]
    local shared = args[3] ~= "" and args[3] or nil
    for line in io.lines(args[1]) do
        local secret, path, rest = line:match("^(%S+) (%S+)(.*)$")
        local headers = { ["Authorization"] = "Bearer " .. secret }
        local body = rest:match("\tbody=([^\t]*)") or shared
        for name, value in rest:gmatch("\t([%w-]+): ([^\t]+)") do
            headers[name] = value
        end
        if body and not headers["Content-Type"] then
            headers["Content-Type"] = "application/json"
        end
        requests[#requests + 1] = wrk.format(rest:match("\tmethod=(%u+)") or method, path, headers, body)
    end
end

function request()
    last = last % #requests + 1
    return requests[last]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\nFIGURES {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": '
            .. '{"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end

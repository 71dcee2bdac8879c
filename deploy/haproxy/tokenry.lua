-- http-request lua.tokenry URL: asks tokenry at this URL whether the request may pass.
-- If it may, the request gets the X-Auth-* headers of the answer and the variable txn.tokenry is "yes";
-- if not, the client gets the answer. Connections to tokenry are kept open and used again.

local TIMEOUT_MILLISECONDS = 1500  -- HAProxy asks up to four times
local DESTINATION = __VERIFIER_DST__  -- nil, or where else to ask than the URL says: "unix@/path"
local ASKED_WITH = { "authorization", "dpop", "user-agent" }
local PASSED_ON = {
    "content-type", "www-authenticate", "retry-after",
    "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
}

-- Whether a request has them all: HAProxy says nothing of a header for which its buffer has no room.
local function all_set(told, given)
    for name, values in pairs(told) do
        if name:sub(1, 7) == "x-auth-" and (not given[name] or given[name][0] ~= values[0]) then
            return false
        end
    end
    return true
end

core.register_action("tokenry", { "http-req" }, function(txn, url)
    local given = txn.http:req_get_headers()
    local headers = {
        ["x-original-method"] = { txn.sf:method() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    if given["dpop"] then  -- a proof is for an address
        headers["x-original-uri"] = { txn.sf:path() }
    end
    for _, name in ipairs(ASKED_WITH) do
        headers[name] = {}
        for _, value in pairs(given[name] or {}) do
            table.insert(headers[name], value)
        end
    end
    local answer = core.httpclient():get{
        url = url, dst = DESTINATION, headers = headers, timeout = TIMEOUT_MILLISECONDS
    }
    if answer.status == 200 then
        for name, values in pairs(answer.headers) do
            if name:sub(1, 7) == "x-auth-" then
                txn.http:req_set_header(name, values[0])
            end
        end
        if all_set(answer.headers, txn.http:req_get_headers()) then
            txn:set_var("txn.tokenry", "yes")
        end
    elseif answer.status >= 400 and answer.status < 500 then
        local reply = txn:reply{ status = answer.status, body = answer.body }
        for _, name in ipairs(PASSED_ON) do
            if answer.headers[name] then
                reply:add_header(name, answer.headers[name][0])
            end
        end
        txn:done(reply)
    end  -- everything else is no decision, and the line after this one in the configuration denies it
end, 1)

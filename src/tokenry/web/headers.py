"""Names of request headers, in lower case, that decide how a request is handled. There is no other list of them."""

SINGLE = (
    "host",
    "authorization",
    "x-filter",
    "content-type",
    "content-length",
    "transfer-encoding",
    "idempotency-key",
    "dpop",
)
"""Those that decide something here: doubled, which of the two counts would be a guess."""
OF_THE_SERVER = (
    "connection",
    "proxy-connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "expect",
)
"""Those by which the HTTP server below goes: its parser takes Proxy-Connection for Connection."""
SPECIAL = (*dict.fromkeys(SINGLE + OF_THE_SERVER),)

"""An MCP server, protected: its tools take a token that is meant for it, and those that change something a wider one.

uvicorn mcp_server:app
"""

import json
import os
from typing import Any

from mcp.server.mcpserver import Context, MCPServer

from tokenry.middleware import Needs, ResourceMetadata
from tokenry.middleware.asgi import TokenMiddleware
from tokenry.middleware.remote import RemoteVerifier

BODY_BYTES_MAX = 1 << 20
READS, WRITES = "linodes:read_only", "linodes:read_write"
CHANGING = {"reboot"}

server = MCPServer("Servers")


@server.tool()
def list_servers(context: Context) -> str:
    """List your servers."""
    request: Any = context.request_context.request
    return f"web-1 of {request.scope['tokenry'].user}"


@server.tool()
def reboot(name: str) -> str:
    """Reboot a server."""
    return f"{name} reboots"


class ByTool:
    """Lets calls of tools that change something through to `changing`, and everything else to `reading`."""

    def __init__(self, reading: Any, changing: Any) -> None:
        self._reading = reading
        self._changing = changing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Read which tool is called. What is not plainly something else counts as a call that changes something."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._reading(scope, receive, send)
            return
        body, more = b"", True
        while more and len(body) <= BODY_BYTES_MAX:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        messages = iter([{"type": "http.request", "body": body, "more_body": more}])

        async def again() -> Any:
            return next(messages, None) or await receive()

        await (self._changing if changes(body) else self._reading)(scope, again, send)


def changes(body: bytes) -> bool:
    """Whether a message, or one of several, calls a tool that changes something."""
    try:
        match json.loads(body):
            case {"method": "tools/call", "params": {"name": str(name)}}:
                return name in CHANGING
            case {"method": str(method)}:
                return method == "tools/call"
            case {"result": _} | {"error": _}:
                return False
    except (ValueError, RecursionError):
        pass
    return True


address = os.environ.get("ADDRESS", "http://127.0.0.1:8000")
tokens = os.environ.get("VERIFIER", "http://127.0.0.1:8470")
verifier = RemoteVerifier(tokens)
metadata = ResourceMetadata(f"{address}/mcp", issuer=tokens, scopes=[READS, WRITES], name="Servers")
mcp = server.streamable_http_app(json_response=True, stateless_http=True)
app = TokenMiddleware(
    ByTool(mcp, TokenMiddleware(mcp, verifier, Needs(WRITES), metadata=metadata)),
    verifier,
    Needs(READS),
    metadata=metadata,
)

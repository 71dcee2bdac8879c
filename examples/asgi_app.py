"""An ASGI application without a framework, protected as a whole: reading takes another scope than writing.

uvicorn asgi_app:app
"""

import json
import os
from typing import Any

from tokenry.middleware import Needs
from tokenry.middleware.asgi import TokenMiddleware
from tokenry.middleware.remote import RemoteVerifier


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Greet whoever is calling."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body = json.dumps({"hello": scope["tokenry"].user}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


verifier = RemoteVerifier(os.environ.get("VERIFIER", "http://127.0.0.1:8470"))
app = TokenMiddleware(hello, verifier, Needs(resource="linodes"))

"""A WSGI application without a framework, which decides in its own process, on the database of the service.

python wsgi_app.py 8000
"""

import json
import os
import sys
from typing import Any
from wsgiref.simple_server import make_server

from tokenry.middleware import Needs
from tokenry.middleware.local import LocalVerifier
from tokenry.middleware.wsgi import TokenMiddleware


def hello(environ: Any, start_response: Any) -> list[bytes]:
    """Greet whoever is calling."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"hello": environ["tokenry.identity"].user}).encode()]


verifier = LocalVerifier(os.environ.get("TOKENRY_DATA_DIR", "data"))
app = TokenMiddleware(hello, verifier, Needs(resource="linodes"))

if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), app) as server:
        server.serve_forever()

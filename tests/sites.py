"""A web server of this machine, of which documents are fetched."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/json"


class Site:
    """A web server of this machine that answers with what it has by path, and notes what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, headers, body = site.pages[self.path]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def put(self, path: str, document: object, *, status: int = 200, kind: str = JSON) -> str:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.pages[path] = (status, {"Content-Type": kind}, body)
        return self.url + path

    def put_client(self, path: str = "/app", **metadata: Any) -> str:
        """A document that is a client, with other metadata where they are given."""
        default = {"client_id": self.url + path, "client_name": "Example", "redirect_uris": ["http://127.0.0.1/cb"]}
        return self.put(path, {**default, **metadata})


@contextmanager
def serving_site() -> Iterator[Site]:
    """A site without pages."""
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()

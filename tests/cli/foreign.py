"""A service of the format that has nothing beyond it: the real one behind a proxy that holds back the rest."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2

NOT_FOUND = b'{"errors": [{"reason": "Not found"}]}'


@contextmanager
def foreign_service(url: str) -> Iterator[str]:
    """The address, for a block, of one that serves what this service has."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/details" in self.path:
                self.answer(404, NOT_FOUND)
            else:
                self.pass_on()

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type", "X-Filter")}
            headers = {name: value for name, value in kept.items() if value is not None}
            answer = httpx2.request(self.command, url + self.path, headers=headers, content=body)
            self.answer(answer.status_code, answer.content)

        do_POST = do_DELETE = do_PUT = pass_on  # noqa: N815

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

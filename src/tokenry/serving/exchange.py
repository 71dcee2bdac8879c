"""One request and its answer, as uvicorn has them, at a part of the price.

uvicorn serves applications of every kind: with websockets, below a path, with a bound on their number. It looks at each
header of an answer twice, with patterns, lest a line end early and another begin; and sets a timer behind each answer.
Here the whole head of an answer is looked at once, and what is rare (an answer in pieces, or one that is not as it was
announced) is left to uvicorn. Who sets no timer sees to idle connections otherwise (`protocol.py`).
"""

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_START, _BODY = "http.response.start", "http.response.body"
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09})
"""What no name and no value may hold (RFC 9110 section 5.5), and the two characters that end a line."""
_LENGTH = b"content-length"


class Exchange(RequestResponseCycle):
    """A request, and its answer: most are a head that says how long the body is, and that body in one piece."""

    async def send(self, message: Any) -> None:
        """Send a message of the application's."""
        if self.disconnected or self.flow.write_paused:
            await super().send(message)
        elif message["type"] == _START and not self.response_started and self._send_head(message):
            return
        elif self._is_last(message):
            self._send_body(message.get("body", b""))
        else:
            await super().send(message)

    def _send_head(self, message: Any) -> bool:
        """Send a head that says how long the body is; False, and nothing done, for any other."""
        lines = [STATUS_LINE[message["status"]]]
        length = None
        for name, value in (*self.default_headers, *message["headers"]):
            if name == _LENGTH:
                length = int(value)
            elif name == b"connection":
                return False
            lines += (name, b": ", value, b"\r\n")
        if length is None:
            return False
        count = len(lines) // 4
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
            count += 1
        lines.append(b"\r\n")
        head = b"".join(lines)
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * (count + 2):
            return False  # refused there, with the reason
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self.expected_content_length = length
        self.transport.write(head)
        return True

    def _is_last(self, message: Any) -> bool:
        """Whether this is the whole body, as it was announced."""
        return (
            message["type"] == _BODY
            and self.response_started
            and not self.response_complete
            and self.chunked_encoding is False
            and not message.get("more_body", False)
            and len(message.get("body", b"")) == self.expected_content_length
        )

    def _send_body(self, body: bytes) -> None:
        if body and self.scope["method"] != "HEAD":
            self.transport.write(body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class ExchangingProtocol(HttpToolsProtocol):
    """One connection, whose requests become exchanges."""

    def on_headers_complete(self) -> None:
        """Begin an exchange, or let it wait for those before it."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before: RequestResponseCycle | None = self.cycle
        self.cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_response_complete(self) -> None:
        """Go on to the next request, if it has come."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

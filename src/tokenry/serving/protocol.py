"""uvicorn's HTTP/1.1 protocol with the limits it does not have itself.

uvicorn waits for ever for a request that does not come, accepts headers of any length, and answers a request it cannot
parse in plain text. This subclass closes silent and slow connections, bounds the head of a request, and answers in the
envelope. `HttpToolsProtocol` is not a public interface of uvicorn: its minor version is pinned, and this file and
`exchange.py` are the only ones that lean on it.
"""

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from tokenry.complaints import Complaints
from tokenry.domain.errors import Fault
from tokenry.domain.networks import UNIX_PEER
from tokenry.gate.fast_path import APP_STATE_KEY, FastPath
from tokenry.gate.senders import Sender
from tokenry.serving.descriptors import connections_max
from tokenry.serving.exchange import ExchangingProtocol
from tokenry.web.answers import to_bytes
from tokenry.web.errors import write_faults

HEAD_SECONDS_MAX = 10
"""From the first byte of a request, or from the opening of a connection, to the end of its headers."""
BODY_SECONDS_MAX = 30
"""From the end of the headers to the end of the body."""
CLOSING_SECONDS_MAX = 30
"""From our last byte until the client has taken it: a client that does not read is cut off."""
HEAD_BYTES_MAX = 32 * 1024
"""Of a head; and of what comes with a body and is none of it, such as trailers, between two pieces of it."""
PIPELINED_MAX = 128
"""Requests of a connection that wait for an answer before theirs: of one read there could be 8000, with 20 MiB."""
WATCH_SECONDS = 1.0

_HEAD_END = b"\r\n\r\n"
_full = Complaints("new connections are dropped")


class BoundedProtocol(ExchangingProtocol):
    """One connection. `_deadline` is when the part of a request that is under way must be complete."""

    _deadline: float | None = None
    _head_bytes = 0  # of the head under way; -1 while a body is
    _read_bytes = 0
    _framing_bytes = 0  # read since the last piece of the body under way
    _is_partial = False  # a request has begun to come, and has not come to its end
    _watcher: asyncio.TimerHandle | None = None
    _stalled_at: float | None = None  # when the client stopped taking our answers
    _refused = False
    _refusal: bytes | None = None  # what is sent when the requests before it are answered
    _is_between = False  # between two requests, with nothing under way: only then is the fast path asked
    _answered = False  # since `_watch` looked last
    _idle_since: float | None = None  # since about the last answer, if nothing came after it
    _held: bytes | None = None  # while the fast path waits for a look-up: what came behind the request
    _ended = _closing = False  # meanwhile: the client has said all, the server is to stop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        if self.client is None and _is_unix(transport):  # there is none either of whoever is gone already
            self.client = (UNIX_PEER, 0)
        fast_path: FastPath | None = self.app_state.get(APP_STATE_KEY)
        self._has_fast_path = fast_path is not None
        if fast_path is not None:
            self._ask_fast_path, self._ask_again = fast_path.answer, fast_path.answer_late
        peer = None if self.client is None else self.client[0]
        self._is_between = self._has_fast_path
        self._sender = Sender(peer, getattr(self.app, "trusted_hosts", None))
        self._begin_head()
        self._watch()
        if len(self.connections) > connections_max():
            _full.add(f"there are {connections_max()} already: raise the limit of file descriptors (ulimit -n)")
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
        if self._sender.look_up is not None:
            self._sender.look_up.answer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection when what it asked is answered."""
        if self._is_waiting():
            self._closing = True
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Answer plain questions at once; else count what belongs to the head of a request, and bound it."""
        if self._is_between and (self._answer_question(data) or self._answer_several(data)):
            return
        if self._is_waiting():
            self._hold(data)
            return
        if self._refused:
            return
        self._is_between = self._answered = False
        self._idle_since = None
        if self._deadline is None:
            self._begin_head()  # also for blank lines, which the parser skips without a word
        self._read_bytes = len(data)
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
        else:
            self._framing_bytes += len(data)
        super().data_received(data)
        if max(self._head_bytes, self._framing_bytes) > HEAD_BYTES_MAX and not self._refused:
            self._refuse(431, "Request header fields too large")

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client will send nothing more: what it asked is answered before the connection ends.

        Who is gone altogether looks the same, until something is sent there. True keeps the connection.
        """
        if self._is_waiting():
            self._ended = True
            return True
        if self._refused:
            return True
        if self._is_owed():
            self._refuse(400, "Incomplete request")
            return True
        if self._is_answered():
            return False
        self.cycle.keep_alive = False  # the newest one, after which nothing comes
        self._deadline = None
        return True

    def on_message_begin(self) -> None:
        """Start the clock of a request, also of one that came pipelined behind another."""
        super().on_message_begin()
        self._is_partial = True
        if self._deadline is None:
            self._begin_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; white space around its value is no part of it (RFC 9110 section 5.5).

        Those behind a body are dropped (section 6.5.1): gateways remove and add what decides in the head alone.
        """
        if self._head_bytes < 0:
            return
        name, value = name.lower(), value.strip(b"\t ")
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Let a head of bounded length through, and start the clock of the body."""
        if self._refused:
            return
        received = max(self._head_bytes, self._read_bytes)  # a head that came pipelined is within one read
        if received > HEAD_BYTES_MAX and self._head_size() > HEAD_BYTES_MAX:
            self._refuse(431, "Request header fields too large")
            return
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            self._refuse(501, "Transfer coding not supported")  # the parser undoes the last one alone
            return
        if len(self.pipeline) >= PIPELINED_MAX:
            self._refuse(400, "Too many requests at once")
            return
        self._head_bytes = -1
        self._deadline = self.loop.time() + BODY_SECONDS_MAX
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Drop what follows a refused head."""
        self._framing_bytes = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete: from here on the time is ours."""
        self._deadline = None
        self._head_bytes = self._framing_bytes = 0
        self._is_partial = False
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or to the refusal of what came behind the last one."""
        last = not self.pipeline
        super().on_response_complete()
        if last and self._refusal is not None:
            self._send_refusal(self._refusal)
        elif last and self._deadline is None and not self._refused:  # a deadline: a request has begun to come
            self._is_between = self._has_fast_path and self._stalled_at is None
            self._answered = True

    def pause_writing(self) -> None:
        """The client does not read as fast as we write: remember since when, and let answers wait, as uvicorn's do."""
        self._stalled_at = self.loop.time()
        self._is_between = False
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._stalled_at = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        if not self._refused:
            self._refuse(400, msg)

    def _answer_question(self, head: bytes) -> bool:
        """Answer one plain question between two requests; False, and nothing done, for anything else."""
        self._sender.head = head
        answer = self._ask_fast_path(self._sender, self.server_state.default_headers)
        if not answer:
            return answer is not None and self._wait_for_answer()
        self._deadline = None
        self._answered = True  # for `_watch`: no timer, and no look at the clock, for each request
        self.transport.write(answer)
        return True

    def _answer_several(self, data: bytes) -> bool:
        """Answer plain questions that came in one piece; False, and nothing done, if the first is none.

        What comes behind them, for the parser or to be held, is dealt with as if it came by itself.
        """
        first = 0
        while self._is_between and (end := data.find(_HEAD_END, first) + len(_HEAD_END)) >= len(_HEAD_END):
            if (first == 0 and end == len(data)) or not self._answer_question(data[first:end]):
                break
            first = end
        if 0 < first < len(data):
            self.data_received(data[first:])
        return first > 0

    def _wait_for_answer(self) -> bool:
        """Answer when the look-up has ended. Until then nothing else of this connection is looked at."""
        assert self._sender.look_up is not None
        self._is_between = self._answered = False
        self._deadline = self._idle_since = None
        self._held = b""
        self._sender.look_up.answer.add_done_callback(self._answer_late)
        return True

    def _answer_late(self, looked_up: asyncio.Future[Any]) -> None:
        try:
            self._go_on(looked_up)
        except BaseException:
            self.transport.abort()  # nobody else would end it
            raise

    def _go_on(self, looked_up: asyncio.Future[Any]) -> None:
        held, self._held = self._held, None
        if looked_up.cancelled():
            return
        looked_up.exception()  # seen, also if nobody is left to be told
        if self.transport.is_closing():
            return
        answer = self._ask_again(self._sender, self.server_state.default_headers)
        if answer is None:
            self.data_received(self._sender.head)
        else:
            self._is_between, self._answered = self._stalled_at is None, True
            self.transport.write(answer)
        if held:
            self.transport.resume_reading()
            self.data_received(held)
        if self._ended and not self._is_waiting() and not self.eof_received():
            self.transport.close()
        if self._closing and not self._is_waiting():
            self.shutdown()

    def _is_waiting(self) -> bool:
        """Whether a request that the fast path has taken waits for its look-up."""
        return self._held is not None

    def _hold(self, data: bytes) -> None:
        self._held = (self._held or b"") + data
        if len(self._held) > HEAD_BYTES_MAX:
            self.transport.pause_reading()

    def _is_answered(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _is_owed(self) -> bool:
        """Whether a request has come in part, and no answer is out: a refusal may be, before the body is here."""
        return self._is_partial and (self._head_bytes >= 0 or not self._is_answered())

    def _begin_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.time() + HEAD_SECONDS_MAX

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _watch(self) -> None:
        """Look once a second whether the deadline has passed: cheaper than a timer for every request."""
        now = self.loop.time()
        if self._stalled_at is not None and now >= self._stalled_at + CLOSING_SECONDS_MAX:
            self.transport.abort()
            return
        if self._answered:
            self._answered, self._idle_since = False, now
        elif self._idle_since is not None and now >= self._idle_since + self.timeout_keep_alive:
            self.timeout_keep_alive_handler()
        if self._deadline is not None and now >= self._deadline:
            if self.transport.is_closing():
                self.transport.abort()
                return
            self._time_out()
        elif self.transport.is_closing() and self._deadline is None:
            self._deadline = now + CLOSING_SECONDS_MAX
        self._watcher = self.loop.call_later(WATCH_SECONDS, self._watch)

    def _time_out(self) -> None:
        if self._is_owed():
            self._refuse(408, "Request timed out")
        else:
            self.transport.close()
            self._deadline = self.loop.time() + CLOSING_SECONDS_MAX

    def _refuse(self, status: int, reason: str) -> None:
        """Answer in the envelope and close, after those requests that came whole before this.

        What is refused does not reach the application; if it waits for the rest of a body, it is told to give up.
        """
        self._refused = True
        refusal = self._write_refusal(status, reason)
        cycle: RequestResponseCycle | None = self.cycle
        unanswered = not self._is_answered()
        if cycle is not None and unanswered and cycle.more_body:
            unanswered = bool(self.pipeline)
            if unanswered:
                self.pipeline.popleft()  # the newest is this one: not begun, and now it never will be
            cycle.disconnected = True
            cycle.message_event.set()
        if unanswered:
            self._refusal = refusal
            self._deadline = None
        else:
            self._send_refusal(refusal)

    def _write_refusal(self, status: int, reason: str) -> bytes:
        body = to_bytes(write_faults([Fault(reason)]))
        lines: list[Any] = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            lines += [name, b": ", value, b"\r\n"]
        lines += [b"content-type: application/json\r\ncontent-length: ", str(len(body)).encode("ascii")]
        lines += [b"\r\nconnection: close\r\n\r\n", body]
        return b"".join(lines)

    def _send_refusal(self, refusal: bytes) -> None:
        self.transport.write(refusal)
        self.transport.close()
        self._deadline = self.loop.time() + CLOSING_SECONDS_MAX


def _is_unix(transport: asyncio.BaseTransport) -> bool:
    kept: socket.socket | None = transport.get_extra_info("socket")
    return kept is not None and kept.family == socket.AF_UNIX

"""One log for everything, on standard error: for people on a terminal, JSON lines elsewhere.

Secrets never reach a log call; that no token-shaped text leaves here is a second wall, not the first. Nothing that a
stranger sent is written as it came: a path could hold what a terminal obeys. A text that is longer than anybody reads,
such as a statement made from a filter, is cut.
"""

import json
import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from tokenry.domain.secrets import mask_secrets
from tokenry.printable import printable, printable_lines

TEXT_LENGTH_MAX = 8_000
"""Of one value of a line: enough for the traceback of a defect."""
_OF_LINES = frozenset({"exception", "stack"})
_encode = json.JSONEncoder().encode


def configure_logging(level: str) -> None:
    """Send structlog's and the standard library's records the same way. Call once in each process."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    finish: list[Processor] = [
        structlog.processors.format_exc_info,  # tracebacks become text first, so that they are masked too
        make_harmless,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else _to_json,
    ]
    handler = logging.StreamHandler(sys.stderr)
    lines = _Lines(handler)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, stamp, *finish],
        logger_factory=lambda *_: lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder(allow=()), stamp],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True  # the guard writes one line a request, without query strings
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("python_multipart").disabled = True  # it quotes forms that it cannot read
    logging.getLogger("python_multipart.multipart").disabled = True


class _Lines:
    """What writes the lines of structlog. A record of the standard library for each would double their price."""

    def __init__(self, handler: logging.StreamHandler[TextIO]) -> None:
        self._handler = handler

    def write(self, line: str) -> None:
        """Write a line. What cannot be written is lost, as a record is: nobody's request fails for it."""
        with suppress(OSError, ValueError), self._handler.lock or nullcontext():
            self._handler.stream.write(line + self._handler.terminator)
            self._handler.flush()

    debug = info = warning = error = critical = write


def _to_json(_logger: object, _method: str, event: EventDict) -> str:
    return _encode(event)


def make_harmless(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Make every text one that may be read by anybody, on a terminal too, and that ends.

    A token-shaped text is cut to its preview, what does not print is replaced, but for the lines of a traceback, and
    what is too long loses its middle.
    """
    return {key: _read(value, printable_lines if key in _OF_LINES else printable) for key, value in event.items()}


def _read(value: Any, readable: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return readable(_cut(mask_secrets(value)))
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_read(part, readable) for part in value]
    if isinstance(value, dict):
        return {key: _read(part, readable) for key, part in value.items()}
    return _read(repr(value), readable)


def _cut(text: str) -> str:
    """A text of bounded length: a traceback says at its end what failed, and at its beginning where it came from."""
    if len(text) <= TEXT_LENGTH_MAX:
        return text
    part = TEXT_LENGTH_MAX // 2
    return f"{text[:part]}… ({len(text) - 2 * part} characters) …{text[-part:]}"

"""A document that is the same for everybody: compressed and named once, and sent only to callers that lack it."""

import base64
import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from tokenry.web.answers import HeaderList
from tokenry.web.dialect import Dialect
from tokenry.web.errors import MethodNotAllowed
from tokenry.web.resource import refuse

_WEIGHT = re.compile(r"[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)[ \t]*", re.ASCII | re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Representation:
    """The document in one coding. Its entity tag is of its own bytes, so it tells the codings apart."""

    body: bytes
    tag: str
    headers: HeaderList

    @classmethod
    def of(cls, body: bytes, *headers: tuple[bytes, bytes]) -> "Representation":
        """Name a body by its digest."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:18]).decode("ascii")
        return cls(body, f'"{digest}"', [(b"content-length", str(len(body)).encode("ascii")), *headers])


class Document:
    """An ASGI application that answers every GET and HEAD with the same document.

    It comes as it is or as gzip, whichever the request prefers (RFC 9110 section 12.5.3), and as a 304 without a body
    when the request names what would come (section 13.1.2). `cached` says for how long nobody has to ask again.
    """

    methods = frozenset({"GET", "HEAD"})

    def __init__(
        self,
        dialect: Dialect,
        body: bytes,
        media_type: bytes,
        *headers: tuple[bytes, bytes],
        cached: bytes = b"no-cache",
    ) -> None:
        self._dialect = dialect
        kind = (b"content-type", media_type)
        self._plain = Representation.of(body, kind)
        self._gzip = Representation.of(gzip.compress(body, mtime=0), kind, (b"content-encoding", b"gzip"))
        self._headers: HeaderList = [
            *headers,
            (b"cache-control", cached),
            (b"vary", b"Accept-Encoding"),
            (b"x-content-type-options", b"nosniff"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in self.methods:
            await refuse(scope, send, MethodNotAllowed(self.methods), self._dialect)
            return
        chosen = self._gzip if prefers_gzip(_joined(scope, b"accept-encoding")) else self._plain
        headers = [*self._headers, (b"etag", chosen.tag.encode("ascii"))]
        if names(_joined(scope, b"if-none-match"), chosen.tag):
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [*chosen.headers, *headers]})
            await send({"type": "http.response.body", "body": chosen.body})


def prefers_gzip(accept_encoding: str | None) -> bool:
    """Whether an Accept-Encoding header likes gzip at least as well as no coding at all.

    One that refuses both gets no coding, as RFC 9110 lets it; a coding with a weight that is none is not counted.
    """
    if accept_encoding is None:
        return False
    weights = _read_weights(accept_encoding.split(","))
    others = weights.get("*")
    gzipped = weights.get("gzip", weights.get("x-gzip", others or 0.0))
    # What is not named is accepted, and liked least: unless a `*` says otherwise, any weight of gzip's is above it.
    plain = weights.get("identity", 0.0 if others is None else others)
    return gzipped > 0 and gzipped >= plain


def names(if_none_match: str | None, tag: str) -> bool:
    """Whether an If-None-Match header names an entity tag, weak or strong; a `*` names any."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _ENTITY_TAG.findall(if_none_match)


def _read_weights(codings: Iterable[str]) -> Mapping[str, float]:
    weights = {}
    for coding in codings:
        name, semicolon, parameter = coding.partition(";")
        weight = _WEIGHT.fullmatch(parameter)
        if weight is not None or not semicolon:
            weights[name.strip().lower()] = 1.0 if weight is None else float(weight[1])
    return weights


def _joined(scope: Scope, name: bytes) -> str | None:
    """A header that is a list, which may come in several lines; None when it does not come."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(lines) if lines else None

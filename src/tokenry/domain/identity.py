"""Who is calling, and through which token: one table by which every way to tell it is written and read.

    X-Auth-User-Id: 3     headers of `/verify`, for gateways and for the middleware, which reads them
    "user_id": 3          JSON of `/verify/batch`
    "sub": "3"            introspection (RFC 7662 section 2.2)
    Identity.user_id      applications, through the middleware

Metadata stands beside the table: it is told in headers only where the operator says so.

`client/answers.py` reads the headers by a copy of it, since the client imports nothing of the domain.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from tokenry.domain.accounts import Actor
from tokenry.domain.metadata import Metadata
from tokenry.domain.scopes import NOTHING, Scopes, is_instance, stored_scopes

HEADER_PREFIX = "x-auth-"
METADATA_HEADER = f"{HEADER_PREFIX}metadata"
_ESCAPED = re.compile(r"(?:[0-9A-Za-z._~-]|%[0-9A-Fa-f]{2})*+", re.ASCII)


class Identity(NamedTuple):
    """Who is calling, and through which token. `expires` is None for a token that does not expire.

    `client_id` is None for a token that its user made, and `external_id` for a user whom no product has a name for.
    `metadata` has what a product keeps with the `user` and with the `token`; it is None where the service does not say.
    """

    user: str
    user_id: int
    account_id: int
    token_id: int
    scopes: str
    expires: datetime | None
    client_id: str | None = None
    external_id: str | None = None
    metadata: Metadata | None = None

    def may(self, scopes: str, *, instance: str | None = None) -> bool:
        """Whether the token's scopes cover these, such as `linodes:read_only`, of one instance if one is named.

        `instance` may be any text that a request brings. Nobody may anything of what can be the name of none. Raises
        ValueError for what is no scope.
        """
        needed = Scopes.parse(scopes)
        if instance is not None:
            if not is_instance(instance):
                return False
            needed = needed.of_instance(instance)
        return stored_scopes(self.scopes).covers(needed)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that is told of who is calling.

    `name` is its name in JSON and of an `Identity`, and makes that of the header; `claim` is RFC 7662's. `of` is where
    an `Actor` has it, as JSON does: None for what there is not. `read` makes of a header's text what an `Identity`
    holds, and raises ValueError; `write` makes that text. All are always in headers, empty where there is none, so that
    no client can forge one.
    """

    name: str
    of: str
    read: Callable[[str], object]
    claim: str | None = None
    write_claim: Callable[[Any], str | int] = str
    write: Callable[[Any], str] = str
    held: str | None = None
    """Where an `Actor` has it as an `Identity` does, if not there."""

    @property
    def header(self) -> str:
        """The name of its header."""
        return HEADER_PREFIX + self.name.replace("_", "-")


def _read_text(text: str) -> str:
    if not text or "," in text:  # a header that came twice is joined by a comma
        raise ValueError
    return text


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _read_client(text: str) -> str | None:
    return _read_text(text) if text else None


def _escape(text: str) -> str:
    """Any text as ASCII, as in the path of a user whom a product manages (RFC 3986 section 2.5)."""
    return quote(text, safe="")


def _read_escaped(text: str) -> str | None:
    if not _ESCAPED.fullmatch(text):
        raise ValueError
    return unquote_to_bytes(text).decode("utf-8") or None


def _read_scopes(text: str) -> str:
    if text and stored_scopes(text) == NOTHING:  # empty: all that the token had was taken out of the catalogue
        raise ValueError
    return text


def _read_expiry(text: str) -> datetime | None:
    return datetime.fromtimestamp(_read_number(text), UTC) if text else None


ATTRIBUTES = (
    Attribute("user", "username", _read_text, "username"),
    Attribute("user_id", "user_id", _read_number, "sub"),
    Attribute("account_id", "account_id", _read_number),
    Attribute("token_id", "token_id", _read_number, "jti"),
    Attribute("scopes", "scopes.sorted_text", _read_scopes, "scope"),
    Attribute("expires", "expires", _read_expiry, "exp", write_claim=int, held="expiry"),  # seconds since 1970
    Attribute("client_id", "client_id", _read_client, "client_id"),
    Attribute("external_id", "external_id", _read_escaped, "external_id", write=_escape),
)
"""What is told, in the order of an `Identity`. Here, there and in `Actor` a new one is a line."""

_METADATA_SENT = METADATA_HEADER.encode("ascii")
_SENT = [(attribute.header.encode("ascii"), attribute.write) for attribute in ATTRIBUTES]
_find: Callable[[Actor], tuple[str | int | None, ...]] = attrgetter(*[attribute.of for attribute in ATTRIBUTES])
_find_held: Callable[[Actor], tuple[object, ...]] = attrgetter(
    *[each.held or each.of for each in ATTRIBUTES], "metadata"
)


def identity_of(actor: Actor) -> Identity:
    """Who is calling, for an application."""
    return Identity._make(_find_held(actor))


def write_headers(actor: Actor, *, metadata: bool = False) -> list[tuple[bytes, bytes]]:
    """Write it as headers, for the service behind a gateway; with the metadata, if that is to be told."""
    headers = [
        (header, b"" if value is None else write(value).encode("ascii"))
        for (header, write), value in zip(_SENT, _find(actor))  # noqa: B905 - to say it costs a tenth of this
    ]
    if metadata:
        headers.append((_METADATA_SENT, actor.metadata.write_header().encode("ascii")))
    return headers


def read_headers(headers: Mapping[str, str]) -> Identity:
    """Read it from headers, which are found in lower case.

    Raises LookupError, ValueError, TypeError, OverflowError, OSError, RecursionError.
    """
    told = headers.get(METADATA_HEADER)
    metadata = None if told is None else Metadata.read_header(told)
    return Identity._make([*(attribute.read(headers[attribute.header]) for attribute in ATTRIBUTES), metadata])


def write_json(actor: Actor) -> dict[str, object]:
    """Write it as JSON; what there is not is null."""
    told = {attribute.name: value for attribute, value in zip(ATTRIBUTES, _find(actor), strict=True)}
    return {**told, "metadata": actor.metadata.json}


def write_claims(actor: Actor, *, metadata: bool = True) -> dict[str, object]:
    """Write it as RFC 7662 has it, with for whom and from when on it is meant: what there is not is left out.

    And the metadata, which is for services and not for the client that a token was given to.
    """
    found = zip(ATTRIBUTES, _find(actor), strict=True)
    claims: dict[str, object] = {
        each.claim: each.write_claim(value) for each, value in found if each.claim and value is not None
    }
    if actor.not_before:
        claims["nbf"] = actor.not_before
    if actor.audience:
        claims["aud"] = list(actor.audience)
    if metadata and actor.metadata:
        claims["metadata"] = actor.metadata.json
    return claims

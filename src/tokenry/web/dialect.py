"""How a face speaks: which bodies it reads, what heads its answers, and how it says no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Refusal
from tokenry.domain.limits import Allowance
from tokenry.domain.words import WORDS, Words
from tokenry.web.answers import HeaderList


class Heading(NamedTuple):
    """What the headers of an answer tell.

    `reads` is whether the method is GET or HEAD, `accepted` the scope the operation asks for (`*` for none), `actor`
    whom a recognised token speaks for, `allowance` what its rate limit leaves it, `retry_after` in how many seconds to
    ask again, where that is not when the next minute of the allowance begins.
    """

    ok: bool
    reads: bool
    accepted: bytes = b"*"
    actor: Actor | None = None
    allowance: Allowance | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """The bodies that are read, by `read_body`, which raises Invalid; headers; a refusal's status and body, and words.

    `read_body` is given a body and what announced it: one of the `media_types`, of which the first is meant where none
    is said, with its parameters. An empty body is one too: it says nothing.
    """

    media_types: tuple[str, ...]
    read_body: Callable[[bytes, str], Mapping[str, object]]
    write_headers: Callable[[Heading], HeaderList]
    status: Mapping[type[Refusal], int]
    write_refusal: Callable[[Refusal], object]
    words: Words = WORDS

"""How a face speaks: which bodies it reads, what heads its answers, and how it says no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Refusal
from tokenry.domain.limits import Allowance
from tokenry.web.answers import HeaderList


class WriteHeaders(Protocol):
    """Writes the headers that stand on every answer of a face."""

    def __call__(
        self,
        *,
        ok: bool,
        reads: bool,
        accepted: bytes,
        actor: Actor | None = None,
        allowance: Allowance | None = None,
        retry_after: int | None = None,
    ) -> HeaderList:
        """Write them.

        `reads` is whether the method is GET or HEAD, `accepted` the scope the operation asks for (`*` for none),
        `actor` whom a recognised token speaks for, `allowance` what its rate limit leaves it, `retry_after` in how many
        seconds to ask again, where that is not when the next minute of the allowance begins.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """The bodies that are read, by `read_body`, which raises Invalid; headers; and a refusal's status and body.

    An empty body is one too: it says nothing.
    """

    media_type: str
    read_body: Callable[[bytes], Mapping[str, object]]
    write_headers: WriteHeaders
    status: Mapping[type[Refusal], int]
    write_refusal: Callable[[Refusal], object]

"""The wire format, in and out: times, tokens, pages and headers.

Bodies are what `json.dumps` writes by default, because that is what real clients of the format have always been sent.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import TypeVar

from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.limits import limit_faults
from tokenry.domain.paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PAGE_SIZE_MIN, Page, PageRequest
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NewToken, Token
from tokenry.moments import read_moment, write_moment
from tokenry.web.answers import HeaderList, write_allowance
from tokenry.web.bodies import read_key
from tokenry.web.dialect import Heading

T = TypeVar("T")

SPEC_VERSION = b"4.229.1"
"""The version of the wire format's description that this service follows; clients compare it with their own."""
NUMBER_LENGTH_MAX = 20
ID_MAX = (1 << 63) - 1
WRONG_TIME = "Must be a date and time such as 2018-01-01T13:46:32"
_NUMBER = re.compile(rf"-?\d{{1,{NUMBER_LENGTH_MAX}}}", re.ASCII)


# --- out -------------------------------------------------------------------------------------------------------------


def write_time(moment: datetime) -> str:
    """Write a time: UTC, to the second, no zone, as in `2018-01-02T03:04:05`."""
    return write_moment(moment)


def write_token(token: Token, secret: Secret | None = None) -> dict[str, object]:
    """Write a token: with its whole text in the one answer that shows it, else with its preview."""
    return {
        "id": token.id,
        "scopes": str(token.scopes),
        "created": write_time(token.created),
        "label": token.label,
        "token": token.preview if secret is None else secret.reveal(),
        "expiry": write_time(token.expiry),
    }


def write_page(page: Page[T], write_row: Callable[[T], object]) -> dict[str, object]:
    """Write a page of a list."""
    return {
        "data": [write_row(row) for row in page.rows],
        "page": page.request.page,
        "pages": page.pages,
        "results": page.results,
    }


# --- headers ---------------------------------------------------------------------------------------------------------

_CORS: HeaderList = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"HEAD, GET, OPTIONS, POST, PUT, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Origin, X-Requested-With, Content-Type, Accept, X-Filter"),
]
_EVERY_ANSWER: HeaderList = [
    *_CORS,
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-frame-options", b"DENY"),
    (b"x-spec-version", SPEC_VERSION),
    (b"cache-control", b"max-age=0, no-cache, no-store"),
    (b"pragma", b"no-cache"),
]
# An error is sent without these; the doubled headers are doubled on the wire.
_SUCCESS_ONLY: HeaderList = [
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", b"X-OAuth-Scopes, X-Accepted-OAuth-Scopes, X-Status"),
    (b"content-security-policy", b"default-src 'none'"),
    (b"vary", b"Authorization, X-Filter"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-xss-protection", b"1; mode=block"),
]
_READS: HeaderList = [(b"vary", b"Authorization, X-Filter")]


def answer_headers(told: Heading) -> HeaderList:
    """The headers of every answer of the management API."""
    actor, allowance, retry_after = told.actor, told.allowance, told.retry_after
    headers = [
        (b"x-oauth-scopes", b"unknown" if actor is None else actor.scopes.sorted_text.encode("ascii")),
        (b"x-accepted-oauth-scopes", told.accepted),
        *_EVERY_ANSWER,
        (b"expires", _http_date(int(time.time()))),
    ]
    if actor is not None:
        expires = write_time(datetime.fromtimestamp(actor.expires_at, UTC))
        headers += [
            (b"x-customer-uuid", actor.account_euuid.encode("ascii")),
            (b"x-token-expires", expires.encode("ascii")),
        ]
    if told.ok:
        headers += _SUCCESS_ONLY
    if told.reads:
        headers += _READS
    if allowance is not None:
        headers += write_allowance(allowance)
        retry_after = allowance.retry_after if retry_after is None else retry_after
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode("ascii")))
    return headers


@lru_cache(maxsize=1)
def _http_date(second: int) -> bytes:
    """A moment as HTTP writes it, the same for all answers of a second: writing it is a thirtieth of an answer."""
    return formatdate(second, usegmt=True).encode("ascii")


# --- in --------------------------------------------------------------------------------------------------------------


def read_time(value: object) -> datetime | None:
    """Read a time such as `2018-01-01T13:46:32`, as `read_moment` does; None for anything else."""
    return read_moment(value) if isinstance(value, str) else None


def read_integer(value: object) -> int | None:
    """Read a whole number, which JSON may also write as `5.0` or `5e0`; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_new_token(body: Mapping[str, object]) -> NewToken:
    """Read the body of a creation; keys that mean nothing here are ignored. Its faults travel with it."""
    faults: list[Fault] = []
    expiry, not_before = _read_moment(body, "expiry", faults), _read_moment(body, "not_before", faults)
    label = _read_label(body, faults)
    scopes = body.get("scopes", "*")
    if not isinstance(scopes, str):
        faults.append(Fault("Must be a string", "scopes"))
        scopes = "*"
    only = read_key(body, "rotates_itself_only", bool, faults) is True
    limit = read_requests_per_minute(body, faults)
    return NewToken(
        label=label,
        scopes=scopes,
        expiry=expiry,
        requests_per_minute=limit,
        faults=tuple(faults),
        not_before=not_before,
        rotates_itself_only=only,
    )


def read_requests_per_minute(body: Mapping[str, object], faults: list[Fault]) -> int:
    """Read how many requests a minute may be made with a token; 0, for any number, where that is not said or wrong."""
    limit = read_integer(body.get("requests_per_minute", 0))
    wrong = limit_faults(limit)
    faults += wrong
    return 0 if limit is None or wrong else limit


def read_new_label(body: Mapping[str, object]) -> tuple[str | None, Sequence[Fault]]:
    """Read the body of an update: its label, None if there is none. Every other key is read-only, so ignored."""
    faults: list[Fault] = []
    return _read_label(body, faults), faults


def read_page(parameters: Mapping[str, str]) -> PageRequest:
    """Read `page` and `page_size`; other parameters are ignored. Raises Invalid."""
    page = _read_number(parameters.get("page", "1"))
    size = _read_number(parameters.get("page_size", str(PAGE_SIZE_DEFAULT)))
    faults = []
    if page is None or page < 1:
        faults.append(Fault("Must be 1 or greater", "page"))
    if size is None or not PAGE_SIZE_MIN <= size <= PAGE_SIZE_MAX:
        faults.append(Fault(f"Must be {PAGE_SIZE_MIN}-{PAGE_SIZE_MAX}", "page_size"))
    raise_faults(faults)
    return PageRequest(page or 1, size or PAGE_SIZE_DEFAULT)


def read_id(text: str) -> int | None:
    """Read the id in a path; None for what cannot be one."""
    number = _read_number(text)
    return number if number is not None and 1 <= number <= ID_MAX else None


def _read_moment(body: Mapping[str, object], key: str, faults: list[Fault]) -> datetime | None:
    """A moment; None if it is left out or null."""
    if body.get(key) is None:
        return None
    moment = read_time(body[key])
    if moment is None:
        faults.append(Fault(WRONG_TIME, key))
    return moment


def _read_label(body: Mapping[str, object], faults: list[Fault]) -> str | None:
    """A label that was given as null or with no length is a fault of the domain's: the empty string says so."""
    if "label" not in body:
        return None
    label = body["label"]
    if label is None or isinstance(label, str):
        return label or ""
    faults.append(Fault("Must be a string", "label"))
    return None


def _read_number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None

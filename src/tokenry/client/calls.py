"""The operations, each as data: what is sent, and how the answer is read. `session.py` sends them."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from tokenry.client.answers import (
    read_catalogue,
    read_details,
    read_details_page,
    read_explanation,
    read_identity,
    read_nothing,
    read_page_token,
    read_policy,
    read_revoked,
    read_token,
    read_tokens,
    read_user,
    read_users,
    read_verification,
)
from tokenry.client.secrets import Secret
from tokenry.client.times import after, write_span, write_time
from tokenry.client.tokens import (
    Changes,
    Details,
    Explanation,
    Identity,
    Moments,
    NewToken,
    Page,
    PageToken,
    Policy,
    Scope,
    TokenRecord,
    User,
    UserChanges,
    Verification,
)
from tokenry.client.transport import Answer

T = TypeVar("T")
U = TypeVar("U")
Record = TypeVar("Record", bound=TokenRecord)

VERSIONS = ("v4", "v4beta")
OWN = "/v4/profile/tokens"
"""Where the tokens of the user are whom the client's token speaks for."""
USERS = "/v4/tokenry/users"
IDEMPOTENCY_KEY = "Idempotency-Key"
PAGE_SIZE_DEFAULT = 100
KEY_BYTES = 16
Shown = tuple[str, datetime | None]
"""The preview of a token that an answer shows, and when it expires."""


def shows_nothing(value: object) -> Iterable[Shown]:
    """No token."""
    return ()


def shows_token(record: TokenRecord) -> Iterable[Shown]:
    """One token."""
    return ((record.preview, record.expiry),)


def shows_page(page: Page[Record]) -> Iterable[Shown]:
    """Many."""
    return ((record.preview, record.expiry) for record in page.rows)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer becomes a T.

    `statuses` are those that `read` understands; `shown` is which tokens are in what it returns. `bearer` is the token
    to be sent in place of the client's own.
    """

    method: str
    path: str
    read: Callable[[str, Answer], T]
    shown: Callable[[T], Iterable[Shown]] = shows_nothing
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    statuses: frozenset[int] = frozenset({200})
    bearer: Secret | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def request(self) -> str:
        """How messages name it."""
        return f"{self.method} {self.path}"

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.method != "POST" or any(name == IDEMPOTENCY_KEY for name, _ in self.headers)

    def reading(self, read: Callable[[str, Answer], U], shown: Callable[[U], Iterable[Shown]]) -> "Call[U]":
        """The same request, its answer read otherwise."""
        return replace(self, read=read, shown=shown)  # type: ignore[return-value, arg-type]


# --- tokens ----------------------------------------------------------------------------------------------------------


def list_tokens(
    place: str = OWN,
    *,
    page: int | None = None,
    page_size: int | None = None,
    filter: Mapping[str, Any] | None = None,
) -> Call[Page[TokenRecord]]:
    """One page of the live tokens. Without a page it is the first, without a size the service decides."""
    query = tuple(
        (name, f"{value:d}") for name, value in (("page", page), ("page_size", page_size)) if value is not None
    )
    return Call("GET", place, read_tokens, shows_page, query, _filtered(filter))


def get_token(token_id: int, place: str = OWN) -> Call[TokenRecord]:
    """One of the live tokens."""
    return Call("GET", _token(token_id, place), read_token, shows_token)


def create_token(
    place: str = OWN,
    *,
    label: str | None = None,
    scopes: str | Iterable[str] | None = None,
    expiry: datetime | None = None,
    not_before: datetime | None = None,
    rotates_itself_only: bool = False,
    requests_per_minute: int | None = None,
    idempotency_key: str | None = None,
    create_user: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> Call[TokenRecord]:
    """A new token; what is None is not sent. The answer is the only one with its whole text.

    With `create_user`, which only the places of users have, an unknown user is made too; `metadata` is for those too.
    """
    body = {
        "label": label,
        "scopes": write_scopes(scopes),
        "expiry": None if expiry is None else write_time(expiry, "expiry"),
        "not_before": None if not_before is None else write_time(not_before, "not_before"),
        "rotates_itself_only": True if rotates_itself_only else None,
        "requests_per_minute": requests_per_minute,
        "create_user": True if create_user else None,
        "metadata": metadata,
    }
    return Call("POST", place, read_token, headers=_keyed(idempotency_key), body=without_none(body))


def make_token(
    place: str, new: NewToken, *, now: datetime, keyed: bool, create_user: bool = False
) -> Call[TokenRecord]:
    """A new token as somebody asks for it; with a key if there has to be one. Raises TypeError, ValueError."""
    check_names(new, NewToken, "There is no {} of a token")
    given: dict[str, Any] = dict(new)
    expiry = find_expiry(given.pop("expires_in", None), given.pop("expiry", None), now)
    key = given.pop("idempotency_key", None) or (new_key() if keyed else None)
    return create_token(place, **given, expiry=expiry, idempotency_key=key, create_user=create_user)


def rename_token(token_id: int, label: str | None, place: str = OWN) -> Call[TokenRecord]:
    """Another label."""
    return Call("PUT", _token(token_id, place), read_token, shows_token, body=without_none({"label": label}))


def revoke_token(token_id: int, place: str = OWN, *, reason: str | None = None) -> Call[None]:
    """Revoke a token, at once and for good."""
    query = () if reason is None else (("reason", reason),)
    return Call("DELETE", _token(token_id, place), read_nothing, query=query)


def rotate_token(
    token_id: int,
    place: str = OWN,
    *,
    idempotency_key: str,
    grace: timedelta | None = None,
    at_once: bool = False,
) -> Call[TokenRecord]:
    """Another secret for the same token, whole in this answer alone; the old one works for a grace."""
    told = None if grace is None else write_span(grace, "grace")
    body = without_none({"grace": told, "activate": "now" if at_once else None})
    return Call("POST", f"{_token(token_id, place)}/rotate", read_token, headers=_keyed(idempotency_key), body=body)


def revoke_others(reason: str | None) -> Call[int]:
    """Revoke all of the caller's tokens but the acting one; how many."""
    return Call("POST", f"{OWN}/revoke-others", read_revoked, body=without_none({"reason": reason}))


def get_details(token_id: int, place: str = OWN) -> Call[Details]:
    """Everything known of one of the tokens, live or not."""
    return Call("GET", f"{_token(token_id, place)}/details", read_details, shows_token)


def list_details(
    place: str = OWN,
    *,
    page: int,
    page_size: int,
    filter: Mapping[str, Any] | None,
    state: str,
    moments: Moments,
) -> Call[Page[Details]]:
    """One page of the tokens in that state, with everything known of them. Raises TypeError, ValueError."""
    check_names(moments, Moments, "There is no {}")
    numbers = (("page", f"{page:d}"), ("page_size", f"{page_size:d}"), ("state", state))
    times = tuple((name, write_time(moment, name)) for name, moment in _given(moments))
    return Call("GET", f"{place}/details", read_details_page, shows_page, (*numbers, *times), _filtered(filter))


def update_details(token_id: int, changes: Changes, place: str = OWN) -> Call[Details]:
    """Another description, networks, limit, metadata, disabled or not; None stays. TypeError for what is no detail."""
    check_names(changes, Changes, "There is no {} to change")
    body = without_none(changes)
    if not isinstance(networks := body.get("networks", ""), str):
        body["networks"] = list(map(str, networks))
    return Call("PUT", f"{_token(token_id, place)}/details", read_details, shows_token, body=body)


def get_policy(place: str = OWN) -> Call[Policy]:
    """What the operator allows of the user's next token."""
    return Call("GET", f"{place}/policy", read_policy)


def list_scopes() -> Call[tuple[Scope, ...]]:
    """The scopes that tokens may have."""
    return Call("GET", "/v4/tokenry/scopes", read_catalogue)


# --- users of a product ----------------------------------------------------------------------------------------------


def list_users(place: str = USERS, *, page: int, page_size: int, filter: Mapping[str, Any] | None) -> Call[Page[User]]:
    """One page of the users that a product has names for."""
    numbers = (("page", f"{page:d}"), ("page_size", f"{page_size:d}"))
    return Call("GET", place, read_users, query=numbers, headers=_filtered(filter))


def get_user(external_id: str) -> Call[User]:
    """One of them."""
    return Call("GET", _user(external_id), read_user)


def put_user(external_id: str, wanted: UserChanges) -> Call[User]:
    """Make the user, or change what is given. Raises TypeError for what a user does not have."""
    return Call("PUT", _user(external_id), read_user, body=_write_user(wanted))


def update_user(external_id: str, wanted: UserChanges) -> Call[User]:
    """The same, for one that is there."""
    return Call("PATCH", _user(external_id), read_user, body=_write_user(wanted))


def delete_user(external_id: str) -> Call[None]:
    """Delete one, and end all of its tokens."""
    return Call("DELETE", _user(external_id), read_nothing)


def create_page_token(external_id: str) -> Call[PageToken]:
    """A page token for one; the answer is the only one with its text."""
    return Call("POST", f"{_user(external_id)}/page-token", read_page_token)


def tokens_of(external_id: str) -> str:
    """Where the tokens of such a user are. Raises TypeError, ValueError for what cannot be a name."""
    return f"{_user(external_id)}/tokens"


def revoke_all(place: str, reason: str | None) -> Call[int]:
    """Revoke all tokens of such a user; how many."""
    return Call("POST", f"{place}/revoke-all", read_revoked, body=without_none({"reason": reason}))


# --- who and whether -------------------------------------------------------------------------------------------------


def whoami() -> Call[Identity]:
    """Whom the client's token speaks for."""
    return Call("GET", "/v4/profile", read_identity)


def verify(secret: Secret, scopes: str | Iterable[str] = ()) -> Call[Verification]:
    """Whether a token is valid and has these scopes. The client's own takes no part."""
    query = tuple(("scope", scope) for scope in _asked(scopes))
    return Call("GET", "/verify", read_verification, query=query, statuses=frozenset({200, 401, 403}), bearer=secret)


def explain(secret: Secret, scopes: str | Iterable[str] = (), address: str | None = None) -> Call[Explanation]:
    """Why a token is valid or not, for these scopes and from that address. For administrators."""
    asked = _asked(scopes)
    # The service refuses an empty scope; joined with others it would not be seen.
    scope = " ".join(asked) if all(text.strip(" ,") for text in asked) else ""
    body = {"token": secret, "scope": scope if asked else None, "address": address}
    return Call("POST", "/verify/explain", read_explanation, body=without_none(body))


# --- what goes into them ---------------------------------------------------------------------------------------------


def find_expiry(expires_in: timedelta | None, expiry: datetime | None, now: datetime) -> datetime | None:
    """The moment that either says. Raises ValueError for both, TypeError and ValueError for a span that is none."""
    if expires_in is not None and expiry is not None:
        raise ValueError("Give expires_in or expiry, not both")
    return expiry if expires_in is None else after(now, expires_in, "expires_in")


def new_key() -> str:
    """A key that no other request has."""
    return os.urandom(KEY_BYTES).hex()


def check_version(api_version: str) -> str:
    """Return the version if it is one. Raises ValueError."""
    if api_version not in VERSIONS:
        raise ValueError(f"The API's versions are {' and '.join(VERSIONS)}")
    return api_version


def own_tokens(version: str) -> str:
    """Where the caller's tokens are in a version of the API. Raises ValueError."""
    return f"/{check_version(version)}/profile/tokens"


def _token(token_id: int, place: str) -> str:
    return f"{place}/{token_id:d}"


def _user(external_id: str) -> str:
    return f"{USERS}/{write_name(external_id, 'external_id')}"


def write_name(name: str, called: str) -> str:
    """Write a name as a piece of a path. Raises TypeError, ValueError for what cannot be one."""
    if not isinstance(name, str):
        raise TypeError(f"{called} must be a str, not a {type(name).__name__}")
    # What the service would refuse too; here the address would be that of something else.
    if name in {"", ".", ".."} or not name.isprintable():
        raise ValueError(f"{called} must be printable text, and neither . nor ..")
    return quote(name, safe="")


def _write_user(wanted: UserChanges) -> dict[str, Any]:
    check_names(wanted, UserChanges, "There is no {} of a user")
    return without_none(wanted)


def check_names(given: Mapping[str, Any], known: type[Any], said: str) -> None:
    """Raise TypeError for the first name that a TypedDict does not have."""
    if unknown := sorted(given.keys() - known.__annotations__.keys()):
        raise TypeError(f"{said.format(unknown[0])}: use one of {', '.join(known.__annotations__)}")


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is given."""
    return {name: value for name, value in values.items() if value is not None}


def _filtered(filter: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    if filter is None:
        return ()
    try:
        return (("X-Filter", json.dumps(filter)),)
    except TypeError as error:
        raise TypeError(f"filter has a value that JSON cannot express: {error}") from None


def _given(moments: Moments) -> list[tuple[str, datetime]]:
    return [(name, moment) for name, moment in moments.items() if moment is not None]  # type: ignore[misc]


def _keyed(idempotency_key: str | None) -> tuple[tuple[str, str], ...]:
    return () if idempotency_key is None else ((IDEMPOTENCY_KEY, idempotency_key),)


def _asked(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Scopes that are asked for, as they were given: of an empty one the service says that it is none."""
    return (scopes,) if isinstance(scopes, str) else tuple(scopes)


def write_scopes(scopes: str | Iterable[str] | None) -> str | None:
    """Scopes as they are sent."""
    return scopes if scopes is None or isinstance(scopes, str) else " ".join(scopes)

"""What a client reads: frozen dataclasses with aware datetimes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Generic, TypedDict, TypeVar

from tokenry.client.secrets import Secret

T = TypeVar("T")
U = TypeVar("U")

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True)
class TokenRecord:
    """A token as the service tells of it.

    `expiry` is None for never. `preview` is its prefix and public id; `secret`, the whole of it, is there
    after `create` and `rotate` and at no other time.
    """

    id: int
    label: str
    scopes: tuple[str, ...]
    created: datetime
    expiry: datetime | None
    preview: str
    secret: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class Details(TokenRecord):
    """Everything that this service knows of a token, also of one that has expired or was revoked.

    `state` is `active`, `pending` until `not_before`, `disabled`, `expired` or `revoked`. `networks` are those
    it may be used from, none for anywhere, and `requests_per_minute` how often, 0 for as often as its user's kind may;
    None for a token that nothing opens any more. `created_by`, `revoked_by` and `disabled_by` are a username or
    `operator:<name>`. None is what never happened, or was never written down. `metadata` is what a
    product keeps with the token.
    """

    state: str
    description: str
    networks: tuple[Network, ...] | None
    requests_per_minute: int | None
    created_by: str | None
    last_used: datetime | None
    last_used_address: str | None
    last_used_agent: str | None
    revoked: datetime | None
    revoked_by: str | None
    revoked_reason: str | None
    disabled: bool
    disabled_by: str | None
    not_before: datetime | None
    metadata: Mapping[str, Any] = field(hash=False)
    rotates_itself_only: bool


class Restricted(TypedDict, total=False):
    """How any new token is called and restricted; None is as if it were left out."""

    label: str | None
    expires_in: timedelta | None
    expiry: datetime | None
    not_before: datetime | None
    rotates_itself_only: bool
    requests_per_minute: int | None


class NewToken(Restricted, total=False):
    """What a new token is to be like; None is as if it were left out. `metadata` is for tokens of a product's users."""

    scopes: str | Iterable[str] | None
    idempotency_key: str | None
    metadata: Mapping[str, Any] | None


class Changes(TypedDict, total=False):
    """What of a token's details is to be another; None and what is left out stays.

    `networks` of `[]` is anywhere, `requests_per_minute` of 0 no limit.
    `metadata` takes the place of what there was; administrators and a product's backend may set it.
    """

    description: str | None
    networks: Iterable[str | Network] | None
    requests_per_minute: int | None
    disabled: bool | None
    metadata: Mapping[str, Any] | None


class Moments(TypedDict, total=False):
    """Which tokens a list of details is of: moments with a zone. One that was never used was so before any of them."""

    last_used_before: datetime
    last_used_after: datetime
    expires_before: datetime
    expires_after: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A user of a product, by the product's name for it, `external_id`. The tokens of a disabled one are refused.

    `metadata` is what the product keeps with it.
    """

    external_id: str
    username: str
    email: str
    disabled: bool
    created: datetime
    metadata: Mapping[str, Any] = field(hash=False)


class UserChanges(TypedDict, total=False):
    """What of such a user is to be so; None and what is left out stays, or is as the service makes it.

    `metadata` takes the place of what there was.
    """

    username: str | None
    email: str | None
    disabled: bool | None
    metadata: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PageToken:
    """What a user's own browser may manage that user's tokens with, in pages of the product and until `expiry`."""

    secret: Secret
    expiry: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the operator allows of the next token; None is no limit. `tokens` is how many live ones there are.

    `requests_per_minute` is for each of them, where requests are counted.
    """

    max_lifetime: timedelta | None
    expiry_required: bool
    scopes: tuple[str, ...]
    max_tokens: int | None
    tokens: int
    requests_per_minute: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A scope that tokens may have: what people are told of it, and the scopes that come with it.

    With `instances` it may be for one of many, as in `messages:read@team-7`. One of `management` is the service's own.
    """

    scope: str
    title: str
    description: str
    implies: tuple[str, ...]
    instances: bool
    management: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list: `page` of `pages`, with `results` rows on all of them."""

    rows: tuple[T, ...]
    page: int
    pages: int
    results: int

    @property
    def next(self) -> int | None:
        """The number of the page after this one; None after the last, and after one that was empty."""
        return self.page + 1 if self.rows and self.page < self.pages else None

    def map(self, function: Callable[[T], U]) -> "Page[U]":
        """The same page of something else."""
        return Page(tuple(function(row) for row in self.rows), self.page, self.pages, self.results)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who the client's own token speaks for, and what it may do."""

    user: str
    user_id: int
    email: str
    restricted: bool
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that was checked of a token, such as `expiry`, and what was found."""

    check: str
    passed: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a token is valid or not, check by check; what needs one that failed is left out."""

    active: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What the service says of a token that was shown to it.

    `active` is whether it is valid and has the scopes asked for. If it is not, `reason` is `invalid` (malformed,
    unknown, expired or revoked) or `insufficient_scope`, and the rest is empty. `expires` is None for never, and
    `client_id` for a token that its user made; `external_id` is a product's name for the user, where one has any.
    `metadata` has what it keeps with the `user` and with the `token`; it is None where the service does not say.
    """

    active: bool
    reason: str | None = None
    user: str | None = None
    user_id: int | None = None
    account_id: int | None = None
    token_id: int | None = None
    scopes: tuple[str, ...] = ()
    expires: datetime | None = None
    client_id: str | None = None
    external_id: str | None = None
    metadata: Mapping[str, Any] | None = field(default=None, hash=False)

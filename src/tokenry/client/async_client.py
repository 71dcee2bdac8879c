"""The client for event loops: asyncio's."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from types import TracebackType
from typing import Any, Self, Unpack

from tokenry.client import calls
from tokenry.client.activity import AsyncActivity
from tokenry.client.audit import AsyncAudit
from tokenry.client.environment import environment_token, environment_url
from tokenry.client.filters import Condition, OrderBy, find_limit, write_filter
from tokenry.client.notifications import AsyncNotifications
from tokenry.client.policy import AsyncInstallationPolicies
from tokenry.client.preferences import AsyncOwnPreferences
from tokenry.client.retries import Retries
from tokenry.client.secrets import Secret, hide
from tokenry.client.service_accounts import AsyncServiceAccounts
from tokenry.client.session import TIMEOUT_SECONDS, Bearer, Session
from tokenry.client.shells import AsyncShell
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
from tokenry.client.transport import AsyncTransport
from tokenry.client.walk import Walk
from tokenry.client.webhooks import AsyncWebhooks


@dataclass(frozen=True, kw_only=True)
class AsyncToken(TokenRecord):
    """A token, and what can be done with it through the client that read it."""

    _tokens: "AsyncTokens" = field(repr=False, compare=False)

    async def rename(self, label: str) -> "AsyncToken":
        """Give it another label."""
        return await self._tokens.rename(self.id, label)

    async def revoke(self, *, reason: str | None = None) -> None:
        """Revoke it, at once and for good."""
        await self._tokens.revoke(self.id, reason=reason)

    async def details(self) -> Details:
        """Everything that is known of it: its use, its networks, who made it."""
        return await self._tokens.details(self.id)

    async def rotate(self, *, grace: timedelta | None = None, at_once: bool = False) -> "AsyncToken":
        """Give it another secret; see `AsyncTokens.rotate`."""
        return await self._tokens.rotate(self.id, grace=grace, at_once=at_once)


class AsyncTokens:
    """The tokens of a user: `client.tokens` are those of whom the client's token speaks for."""

    def __init__(self, shell: AsyncShell, place: str = calls.OWN, *, idempotent_creates: bool) -> None:
        self._shell = shell
        self._place = place
        self._idempotent_creates = idempotent_creates

    async def list(
        self,
        filter: Condition | Mapping[str, Any] | None = None,
        *,
        order_by: OrderBy | None = None,
        page_size: int = calls.PAGE_SIZE_DEFAULT,
    ) -> AsyncIterator[AsyncToken]:
        """Go through the live tokens, by id unless `order_by` says otherwise; each page is asked for when it is needed.

        Tokens may be made, renamed and revoked meanwhile: one that stays where it was comes once, and none comes twice.
        """
        walk: Walk[AsyncToken] = Walk(page_size, find_limit(filter))
        while walk.page is not None:
            for token in walk.take(await self.page(walk.page, filter, order_by=order_by, page_size=walk.size)):
                yield token

    async def page(
        self,
        number: int = 1,
        filter: Condition | Mapping[str, Any] | None = None,
        *,
        order_by: OrderBy | None = None,
        page_size: int = calls.PAGE_SIZE_DEFAULT,
    ) -> Page[AsyncToken]:
        """One page of that list, from 1."""
        asked = write_filter(filter, order_by)
        page = await self._shell.run(calls.list_tokens(self._place, page=number, page_size=page_size, filter=asked))
        return page.map(self._bound)

    async def get(self, token_id: int) -> AsyncToken:
        """One live token. Raises NotFound."""
        return self._bound(await self._shell.run(calls.get_token(token_id, self._place)))

    async def create(self, **new: Unpack[NewToken]) -> AsyncToken:
        """Make a token; its `secret` is in what is returned, and nowhere else.

        Without `scopes` it gets those of the client's token; without `expires_in` or `expiry`, a moment with a zone, it
        does not expire unless the service's policy says so. With `not_before`, such a moment too, it is refused until
        then; with `rotates_itself_only` it may call `rotate` for itself, and nothing else here, for good. With
        `idempotency_key` the creation can be repeated, here and by you, without making two; use it once.
        """
        return await self._create(new)

    async def rename(self, token_id: int, label: str) -> AsyncToken:
        """Give a token another label."""
        return self._bound(await self._shell.run(calls.rename_token(token_id, label, self._place)))

    async def revoke(self, token_id: int, *, reason: str | None = None) -> None:
        """Revoke a token, at once and for good. Raises NotFound.

        This service keeps the `reason`: leaked, unused, offboarding, rotated or other.
        """
        await self._shell.run(calls.revoke_token(token_id, self._place, reason=reason))

    async def rotate(
        self,
        token_id: int,
        *,
        grace: timedelta | None = None,
        at_once: bool = False,
        idempotency_key: str | None = None,
    ) -> AsyncToken:
        """Give a token another secret, which is in what is returned.

        The old one works for `grace` more, a day unless you say otherwise, from the first use of the new one, or from
        now if `at_once`.
        """
        key = idempotency_key or calls.new_key()
        call = calls.rotate_token(token_id, self._place, idempotency_key=key, grace=grace, at_once=at_once)
        return self._bound(await self._shell.run(call))

    async def list_details(
        self,
        filter: Condition | Mapping[str, Any] | None = None,
        *,
        state: str = "active",
        order_by: OrderBy | None = None,
        page_size: int = calls.PAGE_SIZE_DEFAULT,
        **moments: Unpack[Moments],
    ) -> AsyncIterator[Details]:
        """Go through tokens with everything that is known of them; of each state alone, or `all`.

        Only this service has it, as everything below.
        """
        asked = write_filter(filter, order_by)
        walk: Walk[Details] = Walk(page_size, find_limit(filter))
        while walk.page is not None:
            call = calls.list_details(
                self._place, page=walk.page, page_size=walk.size, filter=asked, state=state, moments=moments
            )
            for details in walk.take(await self._shell.run(call)):
                yield details

    async def details(self, token_id: int) -> Details:
        """Everything that is known of a token, live or not. Raises NotFound."""
        return await self._shell.run(calls.get_details(token_id, self._place))

    async def update(self, token_id: int, **changes: Unpack[Changes]) -> Details:
        """Give a token another description, or other networks it may be used from (`[]` for anywhere); None stays.

        With `requests_per_minute` it may be used so often where that is counted, which its owner cannot raise (0 is no
        limit); with `disabled` it is disabled or enabled.
        """
        return await self._shell.run(calls.update_details(token_id, changes, self._place))

    async def disable(self, token_id: int) -> Details:
        """Have a token refused everywhere, at once, until it is enabled. Raises NotFound."""
        return await self.update(token_id, disabled=True)

    async def enable(self, token_id: int) -> Details:
        """Let a token that is disabled open again. Raises NotFound; Conflict if somebody else disabled it."""
        return await self.update(token_id, disabled=False)

    async def policy(self) -> Policy:
        """What the operator allows of the next token."""
        return await self._shell.run(calls.get_policy(self._place))

    async def _create(self, new: NewToken, *, create_user: bool = False) -> AsyncToken:
        now, keyed = self._shell.session.now(), self._idempotent_creates
        call = calls.make_token(self._place, new, now=now, keyed=keyed, create_user=create_user)
        return self._bound(await self._shell.run(call))

    def _bound(self, record: TokenRecord) -> AsyncToken:
        return AsyncToken(**vars(record), _tokens=self)


class AsyncOwnTokens(AsyncTokens):
    """The tokens of the user whom the client's token speaks for."""

    async def revoke_others(self, *, reason: str | None = None) -> int:
        """Revoke all of the user's tokens but the client's; how many."""
        return await self._shell.run(calls.revoke_others(reason))


class AsyncUserTokens(AsyncTokens):
    """The tokens of a user whom a product's backend manages."""

    async def create(self, *, create_user: bool = False, **new: Unpack[NewToken]) -> AsyncToken:
        """Make a token of the user, and with `create_user` an unknown user too; see `AsyncTokens.create`.

        Without `scopes` it gets all that the service account may give.
        """
        return await self._create(new, create_user=create_user)

    async def revoke_all(self, *, reason: str | None = None) -> int:
        """Revoke all tokens of the user, and end what the user let applications in for; how many tokens."""
        return await self._shell.run(calls.revoke_all(self._place, reason))


class AsyncUsers:
    """The users of a product, by the product's names for them. For tokens with scopes of management."""

    def __init__(self, shell: AsyncShell, *, idempotent_creates: bool) -> None:
        self._shell = shell
        self._idempotent_creates = idempotent_creates

    async def list(
        self,
        filter: Condition | Mapping[str, Any] | None = None,
        *,
        order_by: OrderBy | None = None,
        page_size: int = calls.PAGE_SIZE_DEFAULT,
    ) -> AsyncIterator[User]:
        """Go through the users; each page is asked for when it is needed. Users may come and go meanwhile."""
        walk: Walk[User] = Walk(page_size, find_limit(filter), name=attrgetter("external_id"))
        while walk.page is not None:
            for user in walk.take(await self.page(walk.page, filter, order_by=order_by, page_size=walk.size)):
                yield user

    async def page(
        self,
        number: int = 1,
        filter: Condition | Mapping[str, Any] | None = None,
        *,
        order_by: OrderBy | None = None,
        page_size: int = calls.PAGE_SIZE_DEFAULT,
    ) -> Page[User]:
        """One page of that list, from 1."""
        asked = write_filter(filter, order_by)
        return await self._shell.run(calls.list_users(page=number, page_size=page_size, filter=asked))

    async def get(self, external_id: str) -> User:
        """One user. Raises NotFound."""
        return await self._shell.run(calls.get_user(external_id))

    async def put(self, external_id: str, **wanted: Unpack[UserChanges]) -> User:
        """Make the user of this name, or change what is given of the one that is there. It can be repeated."""
        return await self._shell.run(calls.put_user(external_id, wanted))

    async def update(self, external_id: str, **wanted: Unpack[UserChanges]) -> User:
        """Change what is given of a user: `disabled=True` refuses all of its tokens at once. Raises NotFound."""
        return await self._shell.run(calls.update_user(external_id, wanted))

    async def delete(self, external_id: str) -> None:
        """Delete a user, whose tokens are refused from then on. Raises NotFound; Conflict for whom others disabled."""
        await self._shell.run(calls.delete_user(external_id))

    async def create_page_token(self, external_id: str) -> PageToken:
        """Make a token by which a page of the product manages the user's tokens. Raises NotFound, BadRequest."""
        return await self._shell.run(calls.create_page_token(external_id))

    def tokens(self, external_id: str) -> AsyncUserTokens:
        """The tokens of a user, who need not be there yet. It asks nothing."""
        place = calls.tokens_of(external_id)
        return AsyncUserTokens(self._shell, place, idempotent_creates=self._idempotent_creates)


class AsyncClient:
    """Talks to a service from one event loop. Connections are kept, until `aclose` or the end of an `async with` block.

    The arguments are those of `Client`.
    """

    def __init__(
        self,
        base_url: str | None = None,
        token: Bearer | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        transport: AsyncTransport | None = None,
        idempotent_creates: bool = False,
    ) -> None:
        token = hide(token)  # first of all: a traceback shows arguments
        session = Session(base_url or environment_url(), token or environment_token(), timeout=timeout, retries=retries)
        self._shell = AsyncShell(session, transport)
        self.tokens = AsyncOwnTokens(self._shell, idempotent_creates=idempotent_creates)
        self.users = AsyncUsers(self._shell, idempotent_creates=idempotent_creates)
        self.service_accounts = AsyncServiceAccounts(self._shell)
        self.audit = AsyncAudit(self._shell)
        self.notifications = AsyncNotifications(self._shell)
        self.preferences = AsyncOwnPreferences(self._shell)
        self.webhooks = AsyncWebhooks(self._shell)
        self.policy = AsyncInstallationPolicies(self._shell)
        self.activity = AsyncActivity(self._shell)

    async def whoami(self) -> Identity:
        """Whom the client's token speaks for, and what it may do."""
        return await self._shell.run(calls.whoami())

    async def scopes(self) -> tuple[Scope, ...]:
        """The scopes that tokens may have, in the order in which the operator lists them."""
        return await self._shell.run(calls.list_scopes())

    async def verify(self, secret: str | Secret, scopes: str | Iterable[str] = ()) -> Verification:
        """Whether a token is valid and has these scopes. The client needs no token of its own for it."""
        secret = hide(secret)
        return await self._shell.run(calls.verify(secret, scopes))

    async def explain(
        self, secret: str | Secret, scopes: str | Iterable[str] = (), *, address: str | None = None
    ) -> Explanation:
        """Why a token is valid or not, for these scopes and from that address. For administrators of the account."""
        secret = hide(secret)
        return await self._shell.run(calls.explain(secret, scopes, address))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._shell.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

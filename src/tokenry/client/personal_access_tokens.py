"""The original interface of Linode's API for personal access tokens: operations, parameters and types by their names.

Both authorizations are a Bearer token. `personalAccessToken` is the argument `token`. `oauth` is the argument `oauth`:
an access token or, since those live for two hours, a function that is asked for the current one before each request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from tokenry.client import calls
from tokenry.client.answers import read_page
from tokenry.client.filters import Condition, write_filter
from tokenry.client.retries import Retries
from tokenry.client.rows import Row
from tokenry.client.secrets import Secret, TokenText, hide
from tokenry.client.session import TIMEOUT_SECONDS, Bearer, Hidden, Session
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.tokens import Page
from tokenry.client.transport import Answer, AsyncTransport, Transport

LINODE = "https://api.linode.com"


@dataclass(kw_only=True, slots=True)
class PostPersonalAccessTokenRequest:
    """What a new token shall be; what is None is not sent. `expiry` has a zone."""

    label: str | None = None
    scopes: str | None = None
    expiry: datetime | None = None


@dataclass(kw_only=True, slots=True)
class PutPersonalAccessTokenRequest:
    """What shall change. Everything else of a token is read-only, so never sent."""

    label: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GetPersonalAccessTokens200ResponseDataInner:
    """A token. `token` is the whole text after a creation, and its prefix and public id at any other time.

    It is a str like any other, but its repr shows no more than those.
    `expiry` is what the service says: 2999-12-12T05:00:00 for a token that does not expire, None for null.
    """

    id: int
    scopes: str
    created: datetime
    label: str
    token: str
    expiry: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GetPersonalAccessTokens200Response:
    """One page of the tokens that are live."""

    data: list[GetPersonalAccessTokens200ResponseDataInner]
    page: int
    pages: int
    results: int


# Some editions of the original description have a name for each operation's answer; it is the same thing.
PostPersonalAccessToken200Response = GetPersonalAccessTokens200ResponseDataInner
GetPersonalAccessToken200Response = GetPersonalAccessTokens200ResponseDataInner
PutPersonalAccessToken200Response = GetPersonalAccessTokens200ResponseDataInner
DeletePersonalAccessToken200Response = dict[str, object]


class PersonalAccessTokensApi:
    """The five operations, for threads. Connections are kept, until `close` or the end of a `with` block.

    `timeout` is in seconds, for an attempt as a whole. Raises ValueError for an address or a token that is none, and
    for both authorizations at once or neither.
    """

    def __init__(
        self,
        base_url: str = LINODE,
        token: Bearer | None = None,
        *,
        oauth: Bearer | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        transport: Transport | None = None,
    ) -> None:
        token, oauth = hide(token), hide(oauth)  # first of all: a traceback shows arguments
        session = Session(base_url, _either(token, oauth), timeout=timeout, retries=retries)
        self._shell = Shell(session, transport)

    def get_personal_access_tokens(
        self,
        api_version: str,
        *,
        page: int | None = None,
        page_size: int | None = None,
        filter: Condition | Mapping[str, Any] | None = None,
    ) -> GetPersonalAccessTokens200Response:
        """List personal access tokens, a page at a time."""
        return self._shell.run(_list(api_version, page, page_size, filter))

    def post_personal_access_token(
        self, api_version: str, post_personal_access_token_request: PostPersonalAccessTokenRequest
    ) -> GetPersonalAccessTokens200ResponseDataInner:
        """Create a personal access token."""
        return self._shell.run(_post(api_version, post_personal_access_token_request))

    def get_personal_access_token(self, api_version: str, token_id: int) -> GetPersonalAccessTokens200ResponseDataInner:
        """Get a personal access token."""
        return self._shell.run(_get(api_version, token_id))

    def put_personal_access_token(
        self, api_version: str, token_id: int, put_personal_access_token_request: PutPersonalAccessTokenRequest
    ) -> GetPersonalAccessTokens200ResponseDataInner:
        """Update a personal access token."""
        return self._shell.run(_put(api_version, token_id, put_personal_access_token_request))

    def delete_personal_access_token(self, api_version: str, token_id: int) -> dict[str, object]:
        """Revoke a personal access token. What is answered is an empty object."""
        return self._shell.run(_delete(api_version, token_id))

    def close(self) -> None:
        """Close the connections."""
        self._shell.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncPersonalAccessTokensApi:
    """The five operations, for an event loop; otherwise as `PersonalAccessTokensApi`."""

    def __init__(
        self,
        base_url: str = LINODE,
        token: Bearer | None = None,
        *,
        oauth: Bearer | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        transport: AsyncTransport | None = None,
    ) -> None:
        token, oauth = hide(token), hide(oauth)  # first of all: a traceback shows arguments
        session = Session(base_url, _either(token, oauth), timeout=timeout, retries=retries)
        self._shell = AsyncShell(session, transport)

    async def get_personal_access_tokens(
        self,
        api_version: str,
        *,
        page: int | None = None,
        page_size: int | None = None,
        filter: Condition | Mapping[str, Any] | None = None,
    ) -> GetPersonalAccessTokens200Response:
        """List personal access tokens, a page at a time."""
        return await self._shell.run(_list(api_version, page, page_size, filter))

    async def post_personal_access_token(
        self, api_version: str, post_personal_access_token_request: PostPersonalAccessTokenRequest
    ) -> GetPersonalAccessTokens200ResponseDataInner:
        """Create a personal access token."""
        return await self._shell.run(_post(api_version, post_personal_access_token_request))

    async def get_personal_access_token(
        self, api_version: str, token_id: int
    ) -> GetPersonalAccessTokens200ResponseDataInner:
        """Get a personal access token."""
        return await self._shell.run(_get(api_version, token_id))

    async def put_personal_access_token(
        self, api_version: str, token_id: int, put_personal_access_token_request: PutPersonalAccessTokenRequest
    ) -> GetPersonalAccessTokens200ResponseDataInner:
        """Update a personal access token."""
        return await self._shell.run(_put(api_version, token_id, put_personal_access_token_request))

    async def delete_personal_access_token(self, api_version: str, token_id: int) -> dict[str, object]:
        """Revoke a personal access token. What is answered is an empty object."""
        return await self._shell.run(_delete(api_version, token_id))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._shell.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


# --- the operations, once for both -----------------------------------------------------------------------------------


def _list(
    api_version: str, page: int | None, page_size: int | None, filter: Condition | Mapping[str, Any] | None
) -> calls.Call[GetPersonalAccessTokens200Response]:
    asked = write_filter(filter, None)
    return calls.list_tokens(calls.own_tokens(api_version), page=page, page_size=page_size, filter=asked).reading(
        _read_tokens, _shows_page
    )


def _post(
    api_version: str, new: PostPersonalAccessTokenRequest
) -> calls.Call[GetPersonalAccessTokens200ResponseDataInner]:
    call = calls.create_token(calls.own_tokens(api_version), label=new.label, scopes=new.scopes, expiry=new.expiry)
    return call.reading(_read_token, calls.shows_nothing)


def _get(api_version: str, token_id: int) -> calls.Call[GetPersonalAccessTokens200ResponseDataInner]:
    return calls.get_token(token_id, calls.own_tokens(api_version)).reading(_read_token, _shows_token)


def _put(
    api_version: str, token_id: int, change: PutPersonalAccessTokenRequest
) -> calls.Call[GetPersonalAccessTokens200ResponseDataInner]:
    return calls.rename_token(token_id, change.label, calls.own_tokens(api_version)).reading(_read_token, _shows_token)


def _delete(api_version: str, token_id: int) -> calls.Call[dict[str, object]]:
    return calls.revoke_token(token_id, calls.own_tokens(api_version)).reading(_read_object, calls.shows_nothing)


def _shows_token(token: GetPersonalAccessTokens200ResponseDataInner) -> Iterable[calls.Shown]:
    return ((token.token, token.expiry),)


def _shows_page(page: GetPersonalAccessTokens200Response) -> Iterable[calls.Shown]:
    return ((token.token, token.expiry) for token in page.data)


def _read_token(request: str, answer: Answer) -> GetPersonalAccessTokens200ResponseDataInner:
    return _read_row(Row.of(request, answer))


def _read_tokens(request: str, answer: Answer) -> GetPersonalAccessTokens200Response:
    page: Page[GetPersonalAccessTokens200ResponseDataInner] = read_page(Row.of(request, answer), _read_row)
    return GetPersonalAccessTokens200Response(
        data=list(page.rows), page=page.page, pages=page.pages, results=page.results
    )


def _read_object(request: str, answer: Answer) -> dict[str, object]:
    values = Row.of(request, answer).everything()
    return {key: TokenText(value.reveal()) if isinstance(value, Secret) else value for key, value in values.items()}


def _read_row(row: Row) -> GetPersonalAccessTokens200ResponseDataInner:
    return GetPersonalAccessTokens200ResponseDataInner(
        id=row.number("id"),
        scopes=row.text("scopes"),
        created=row.time("created"),
        label=row.text("label"),
        token=TokenText(row.secret("token").reveal()),
        expiry=row.if_any("expiry", row.time),
    )


def _either(token: Hidden | None, oauth: Hidden | None) -> Hidden:
    chosen = oauth if token is None else token
    if chosen is None or (token is not None and oauth is not None):
        raise ValueError("Give one of the two authorizations: token=… or oauth=…")
    return chosen

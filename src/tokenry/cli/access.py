"""Which service a command speaks to, and as whom; and what is said when that goes wrong.

A token goes to the address that it belongs to and nowhere else: one of the environment to TOKENRY_URL, or to a service
on this machine; one of a context to the address that was logged in to.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Annotated, TypeVar

import typer

from tokenry.addresses import read_base_url
from tokenry.cli import keyrings
from tokenry.cli.configuration import Context, ContextName, locked_contexts, read_contexts, write_contexts
from tokenry.cli.curl import CurlTransport
from tokenry.cli.faults import say_fault
from tokenry.cli.missing import NOT_FOUND, find_things, say_missing
from tokenry.cli.running import NOT_LOGGED_IN, REFUSED, CommandError, complain
from tokenry.client import (
    ONCE,
    ApiError,
    Client,
    ConnectionFailed,
    Fault,
    InsufficientScope,
    NoToken,
    PersonalAccessTokensApi,
    Retries,
    Secret,
    TokenryError,
    TooManyRequests,
    Unauthorized,
)
from tokenry.client.environment import environment_token, environment_url
from tokenry.client.secrets import hide
from tokenry.client.session import Bearer

C = TypeVar("C")

NO_SCOPE = "Invalid scope: "
"""How the service says that there is none of the name that follows."""
PATIENCE_SECONDS = 2
FILTER = "X-Filter"
NO_TOKEN = Secret("none-is-sent")
"""Stands in for the one that a line for curl leaves to the shell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An address, a token for it or a way to one, and in words where that is from."""

    url: str
    bearer: Bearer | None
    origin: str
    context: str | None = None

    def find_token(self) -> Secret | None:
        """The token itself, from wherever it is kept. Raises CommandError."""
        return hide(self.bearer() if callable(self.bearer) else self.bearer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a command is sent and as whom, as options."""

    context: ContextName = None
    curl: Annotated[bool, typer.Option("--curl", help="Send nothing; print the request as a curl command.")] = False

    def find(self) -> Access:
        """What is asked for; see `find_access`. Raises CommandError."""
        return find_access(self.context)

    @contextmanager
    def open(self) -> Iterator[Client]:
        """A client, for a block; what goes wrong in it is a CommandError."""
        with opened(Client, self.find(), curl=self.curl) as client:
            yield client

    @contextmanager
    def open_api(self, *, retries: Retries | None = None) -> Iterator[PersonalAccessTokensApi]:
        """The original interface, for a block; what goes wrong in it is a CommandError."""
        access = self.find()
        if access.bearer is None and not self.curl:
            raise describe(NoToken(), access)
        with opened(PersonalAccessTokensApi, access, curl=self.curl, retries=retries) as api:
            yield api


def find_access(context: str | None) -> Access:
    """Find the access of a named context, or of the environment, or of the context in use. Raises CommandError."""
    if context is not None:
        return _access_of(read_contexts().get(context))
    try:
        url = read_base_url(environment_url())
    except ValueError as error:
        raise CommandError(f"TOKENRY_URL: {error}.") from None
    try:
        token = environment_token()
    except ValueError as error:
        raise CommandError(f"{error}.") from None
    except OSError as error:
        raise CommandError(f"The file of TOKENRY_TOKEN_FILE cannot be read ({error.strerror}).") from None
    if token is not None:
        if token.stands_in(url):
            raise CommandError("TOKENRY_URL contains the token: leave it out.")
        origin = "TOKENRY_TOKEN" if os.environ.get("TOKENRY_TOKEN") else "the file of TOKENRY_TOKEN_FILE"
        return Access(url=url, bearer=token, origin=origin)
    contexts = read_contexts()
    found = contexts.find_url(url) if os.environ.get("TOKENRY_URL") else contexts.find_current()
    return Access(url=url, bearer=None, origin="nowhere") if found is None else _access_of(found)


def store_token(name: str, token: Secret, *, url: str) -> None:
    """Put a token in the place of a context's, wherever that is kept. Raises CommandError.

    One that is by now a login to another address than `url` is left alone.
    """
    with locked_contexts():
        contexts = read_contexts()
        context = contexts.get(name)
        if context.url != url:
            return
        if context.token is not None:
            write_contexts(contexts.put(replace(context, token=token)))
        elif not keyrings.store_token(name, token):
            raise CommandError(f"The keyring did not store the new token of {name}: unlock it, and run this again.")


@contextmanager
def opened(
    make: Callable[..., AbstractContextManager[C]],
    access: Access,
    *,
    curl: bool = False,
    retries: Retries | None = None,
) -> Iterator[C]:
    """A client of either kind, for a block. What goes wrong in it is a CommandError; warnings are said to people."""
    warnings.showwarning = lambda message, *_: complain(f"{message}.")
    if sys.stderr.isatty():
        _say_when_trying_again()
    bearer, transport = (NO_TOKEN, CurlTransport()) if curl else (access.bearer, None)
    try:
        client = make(access.url, bearer, transport=transport, retries=retries)
    except ValueError as error:
        raise CommandError(f"{error} ({access.origin}).") from None
    try:
        with client as entered:
            yield entered
    except TokenryError as error:
        raise describe(error, access) from None


def describe(error: TokenryError, access: Access) -> CommandError:
    """What a person is told of a call that failed: the reason, and what to do next."""
    if isinstance(error, ApiError):
        return _describe_refusal(error, access)
    if isinstance(error, NoToken):
        text = f"You are not logged in: run `tokenry login {access.url}`, or set TOKENRY_TOKEN."
        return CommandError(text, NOT_LOGGED_IN)
    if isinstance(error, ConnectionFailed):
        return CommandError(f"{error}: is the service running there?")
    return CommandError(f"{error}. Is {access.url} the right address?")


def _describe_refusal(error: ApiError, access: Access) -> CommandError:
    missing = say_missing(find_things(error.request)) if error.reason == NOT_FOUND else None
    if missing is not None:
        return CommandError(missing, REFUSED)
    said = "; ".join(f"{_say(fault)}{_suggest(fault, access)}" for fault in error.faults)
    if isinstance(error, InsufficientScope):
        told = f"{said.removesuffix('.')}. It needs {error.accepted_scopes}"
        text = f"{told}; the token, from {access.origin}, has {error.scopes}."
        return CommandError(text, REFUSED)
    if isinstance(error, Unauthorized):
        unknown = f"the one from {access.origin} is unknown to {access.url}, expired or revoked"
        text = f"{said}: {unknown}. Log in with another one."
        return CommandError(text, NOT_LOGGED_IN)
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        return CommandError(f"{said}. Ask again in {error.retry_after:g} seconds.", REFUSED)
    return CommandError(said, REFUSED)


def _say(fault: Fault) -> str:
    """A fault by itself where it is in what options became: nobody has written that."""
    return say_fault(fault.reason, None if fault.field == FILTER else fault.field)


def _suggest(fault: Fault, access: Access) -> str:
    """The scope that may be meant by one that there is not: the service is asked which there are."""
    unknown = fault.reason.removeprefix(NO_SCOPE)
    if unknown == fault.reason:
        return ""
    try:
        with Client(access.url, access.bearer, timeout=PATIENCE_SECONDS, retries=ONCE) as client:
            known = [each.scope for each in client.scopes()]
    except TokenryError:  # of which the refusal, that is told anyway, says more
        return ""
    general, at, instance = unknown.partition("@")
    near = get_close_matches(general, known, n=1)
    return f" (did you mean {near[0]}{at}{instance}?)" if near else ""


def _access_of(context: Context) -> Access:
    if context.token is None:
        bearer: Bearer = partial(keyrings.get_token, context.name)
        return Access(url=context.url, bearer=bearer, origin="the keyring", context=context.name)
    return Access(url=context.url, bearer=context.token, origin=f"context {context.name}", context=context.name)


def _say_when_trying_again() -> None:
    log = logging.getLogger("tokenry.client")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("tokenry: %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)

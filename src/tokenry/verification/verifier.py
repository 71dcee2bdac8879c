"""The decision: is this token valid, whose is it, and may it do what is asked? One `Verifier` decides everywhere."""

import re
import time
from asyncio import Future
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tokenry.domain.accounts import Actor
from tokenry.domain.checks import Circumstances, Denial, find_denial, is_meant
from tokenry.domain.limits import Allowance, lowest
from tokenry.domain.metadata import NOTHING_KEPT, Metadata
from tokenry.domain.networks import allows, stored_networks
from tokenry.domain.scopes import NOTHING, Scopes, stored_scopes
from tokenry.domain.secrets import API_PREFIXES, BOUND_PREFIXES, TOKEN_LENGTH_MAX, TOKEN_LENGTH_MIN, Peppers, Secret
from tokenry.domain.usage import RESULT_OF, Result
from tokenry.storage.credentials import Credential
from tokenry.storage.metadata import from_column
from tokenry.verification.cache import Cache, Known
from tokenry.verification.last_used import Uses

# RFC 6750 section 2.1; RFC 9110 section 11.1: the scheme's name is compared without regard to case.
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE | re.ASCII)
_BOUND = re.compile(r"dpop +([!-~]+)", re.IGNORECASE | re.ASCII)  # RFC 9449 section 7.1
_START = "Bearer "
_LENGTH_MIN, _LENGTH_MAX = len(_START) + TOKEN_LENGTH_MIN, len(_START) + TOKEN_LENGTH_MAX


class Decision(NamedTuple):
    """What the verifier found. Accepted when there is no denial; then there is an actor.

    A denial for insufficient scope also has an actor: the token is good, just not for this. `bound` is whether it was
    presented as one that is bound to a key. UNCOUNTED is for who asks to settle: whether the request may be made too is
    a matter of the token's `limit`, and `allowance` what that has left once it is counted.
    """

    actor: Actor | None
    denial: Denial | None = None
    bound: bool = False
    limit: int = 0
    allowance: Allowance | None = None

    @property
    def accepted(self) -> bool:
        """Whether the token is good, and for this."""
        return self.actor is not None and self.denial is None


class Presenter(Protocol):
    """Who presents a token: an address, and a program's name for itself. Asked only when it matters."""

    @property
    def address(self) -> str | None:
        """Where the request comes from."""

    @property
    def agent(self) -> str | None:
        """Its User-Agent header."""


class KnownPresenter(NamedTuple):
    """A presenter of whom both are known."""

    address: str | None = None
    agent: str | None = None


class LookUp(NamedTuple):
    """A look-up that is under way."""

    secret: Secret
    answer: Future[Credential | None]


class Credentials(Protocol):
    """Where credentials are looked up. The answer is never older than the call: a revoked one is not found.

    Those that need not wait for it also have `find_now`, which is `find` without the waiting; others may have
    `find_soon`, which begins it and returns the future of the answer.
    """

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""

    async def close(self) -> None:
        """Let go of the database."""


MISSING = Decision(None, Denial.MISSING)
MALFORMED = Decision(None, Denial.MALFORMED)
MALFORMED_BOUND = MALFORMED._replace(bound=True)
UNPROVED = Decision(None, Denial.UNPROVED, bound=True)
_UNCOUNTED = Denial.UNCOUNTED
_NAMED = (None, Denial.INSUFFICIENT_SCOPE)
_ACCEPTED = (None, Denial.UNCOUNTED)
NOBODY = KnownPresenter()


class Verifier:
    """Decides on presented tokens. It writes nothing; what it remembers holds only while nothing has changed.

    Without a cache every decision asks the database; without `uses` none is noted.
    """

    def __init__(
        self,
        credentials: Credentials,
        peppers: Peppers,
        now: Callable[[], float] = time.time,
        *,
        cache: Cache | None = None,
        uses: Uses | None = None,
        read_scopes: Callable[[str], Scopes] = stored_scopes,
    ) -> None:
        self._credentials = credentials
        self._find_now: Callable[[str], Credential | None] | None = getattr(credentials, "find_now", None)
        self._find_soon: Callable[[str], Future[Credential | None]] | None = getattr(credentials, "find_soon", None)
        self._peppers = peppers
        self._now = now
        self._cache = cache
        self._uses = uses
        self._read_scopes = read_scopes
        self.recall: Callable[[bytes], Known | None] = _recall_nothing if cache is None else cache.recall
        """What is remembered of a token's text and still holds."""
        self.lacks: Callable[[bytes], bool] = getattr(credentials, "lacks", _lack_nothing)
        """Whether nothing was ever stored under a preview; False also where that cannot be told without a look-up."""

    def without_uses(self) -> "Verifier":
        """The same, which notes no use."""
        return Verifier(self._credentials, self._peppers, self._now, cache=self._cache, read_scopes=self._read_scopes)

    async def verify(self, authorization: str | None, needed: Scopes = NOTHING, client: Presenter = NOBODY) -> Decision:
        """Decide on the value of an Authorization header, for an operation that needs the scopes `needed`.

        Raises Unavailable when the database cannot answer; that is never a yes.
        """
        if authorization is None:
            return MISSING
        text = read_bearer(authorization)
        if text is None:
            return MALFORMED
        known = self.recall(text)
        if known is None:
            secret = Secret.parse(text.decode("ascii"), API_PREFIXES)
            if secret is None:
                return MALFORMED
            mark = self._mark()
            found = self._recognise(secret, await self._credentials.find(secret.preview), mark, client)
            if isinstance(found, Denial):
                return Decision(None, found)
            known = found
        return self._decide(known, needed, client)

    async def verify_bound(self, text: str, needed: Scopes = NOTHING, client: Presenter = NOBODY) -> Decision:
        """Decide on a token that is bound to a key, for a caller who has the proof judged. Raises Unavailable.

        Nothing is remembered: judging the proof asks the database anyhow.
        """
        secret = Secret.parse(text, BOUND_PREFIXES)
        if secret is None:
            return MALFORMED_BOUND
        return self._decide_bound(secret, await self._credentials.find(secret.preview), needed, client)

    def verify_bound_now(self, text: str, needed: Scopes = NOTHING, client: Presenter = NOBODY) -> Decision | None:
        """Do so without waiting for anything; None where the database must be waited for. Raises Unavailable."""
        secret = Secret.parse(text, BOUND_PREFIXES)
        if secret is None:
            return MALFORMED_BOUND
        if self._find_now is None:
            return None
        return self._decide_bound(secret, self._find_now(secret.preview), needed, client)

    def verify_now(
        self, authorization: str | None, needed: Scopes = NOTHING, client: Presenter = NOBODY
    ) -> Decision | None:
        """Decide without waiting for anything; None where the database must be waited for. Raises Unavailable."""
        if authorization is None:
            return MISSING
        text = read_bearer(authorization)
        return MALFORMED if text is None else self.decide_now(text, needed, client)

    def decide_now(self, text: bytes, needed: Scopes = NOTHING, client: Presenter = NOBODY) -> Decision | None:
        """Decide on a token's text, like `verify_now`."""
        found = self.find_now(text, client)
        if found is None:
            return None
        return Decision(None, found) if isinstance(found, Denial) else self._decide(found, needed, client)

    def find_now(self, text: bytes, client: Presenter = NOBODY) -> Known | Denial | None:
        """Recall or look up a token without waiting for anything; None where the database must be waited for.

        Raises Unavailable.
        """
        return self.recall(text) or self.look_up_now(text, client)

    def look_up_now(self, text: bytes, client: Presenter = NOBODY) -> Known | Denial | None:
        """Look up a token that is not remembered, like `find_now`."""
        secret = Secret.parse(text.decode("latin-1"), API_PREFIXES)
        if secret is None:
            return Denial.MALFORMED
        if self._find_now is None:
            return None
        mark = self._mark()
        return self._recognise(secret, self._find_now(secret.preview), mark, client)

    def begin_look_up(self, text: bytes) -> "LookUp | None":
        """Begin to look up a token for which `look_up_now` has to wait; None if it is to be done by `verify`."""
        secret = None if self._find_soon is None else Secret.parse(text.decode("latin-1"), API_PREFIXES)
        if self._find_soon is None or secret is None:
            return None
        return LookUp(secret, self._find_soon(secret.preview))

    def end_look_up(self, begun: "LookUp", client: Presenter) -> Known | Denial:
        """What a look-up found, whose answer is there. Raises Unavailable."""
        return self._recognise(begun.secret, begun.answer.result(), None, client)

    def judge(self, known: Known, needed: Scopes, client: Presenter) -> Denial | None:
        """Decide on a token that is known, at this moment; None if it is accepted, and then its use is noted.

        UNCOUNTED if it is accepted as soon as the request is counted, and its limit allows that.
        """
        now = self._now()
        # What RULES say, at a part of their price: this is most of what a question costs.
        if now < known.expires_at and (not known.networks or allows(known.networks, client.address)):
            free = needed is known.covered or needed is known.covered_before
            if (
                free
                or needed is known.counted
                or (known.actor.scopes.covers(needed) and is_meant(known.actor.audience, needed))
            ):
                known.accepted += 1.0  # an int would be made anew each time, above 256
                if now >= known.note_at and self._uses is not None:
                    self._uses.note(known, now, client.address, client.agent, needed)
                if free:
                    return None
                known.asked_at = now
                return _UNCOUNTED if needed is known.counted else self._settle(known, needed, client)
            if known.disabled_at is None and is_meant(known.audience, needed):
                return self._deny(known, Denial.INSUFFICIENT_SCOPE)
        return self._deny(known, find_denial(known, Circumstances(now, client.address, needed)))

    def refuse_unknown(self, preview: str, client: Presenter) -> None:
        """Let a token have been presented that opens nothing, and maybe did once."""
        if self._uses is not None:
            self._uses.counts.add(None, Result.UNKNOWN)
            self._uses.counts.suspect(preview, client, self._now())

    def take_back(self, decision: Decision, instead: Denial | None = None) -> None:
        """Let a decision on a known token not be counted: it is refused after all `instead`, or judged once more."""
        if self._uses is not None and decision.actor is not None:
            before = RESULT_OF.get(decision.denial) if decision.denial else None
            self._uses.counts.add(decision.actor, before or Result.ACCEPTED, -1)
            if instead is not None:
                self._uses.counts.add(decision.actor, RESULT_OF[instead])

    def _settle(self, known: Known, needed: Scopes, client: Presenter) -> Denial | None:
        """Remember that a token covers what is needed; UNCOUNTED if the request has to be counted besides.

        What would be refused of a token that is watched is not remembered, so that each request comes by here.
        """
        if id(needed) not in known.asked and self._uses is not None:
            self._uses.counts.ask(known, needed)
        counts = needed.cost and known.limit
        if known.watched is not None and not known.watched.covers(needed):
            if self._uses is not None:
                self._uses.counts.watch(known, needed, client.address)
        elif counts:
            known.counted = needed
        else:
            known.covered_before, known.covered = known.covered, needed
        return _UNCOUNTED if counts else None

    def _deny(self, known: Known, denial: Denial | None) -> Denial:
        denial = denial or Denial.UNKNOWN
        if self._uses is not None:
            self._uses.counts.add(known.actor, RESULT_OF[denial])
        return denial

    def _decide(self, known: Known, needed: Scopes, client: Presenter) -> Decision:
        denial = self.judge(known, needed, client)
        if self._uses is None and denial in _ACCEPTED:
            known.accepted -= 1.0
        if denial is _UNCOUNTED:
            return Decision(known.actor, denial, limit=known.limit)
        return Decision(known.actor, denial) if denial in _NAMED else Decision(None, denial)

    def _decide_bound(
        self, secret: Secret, credential: Credential | None, needed: Scopes, client: Presenter
    ) -> Decision:
        found = self._recognise(secret, credential, None, client)
        decision = Decision(None, found) if isinstance(found, Denial) else self._decide(found, needed, client)
        return decision._replace(bound=True)

    def _mark(self) -> int | None:
        return None if self._cache is None else self._cache.mark()

    def _recognise(
        self, secret: Secret, credential: Credential | None, mark: int | None, client: Presenter
    ) -> Known | Denial:
        """Compare a presented token with what was found under its preview, and remember it if it is right."""
        if credential is None or not self._peppers.opens(secret, credential.digest, credential.pepper_generation):
            if credential is None:
                self.refuse_unknown(secret.preview, client)
            elif self._uses is not None:
                self._uses.counts.add(None, Result.UNKNOWN)
            return Denial.UNKNOWN
        scopes, personal = self._read_scopes(credential.scopes), credential.client_id is None
        actor = Actor(
            token_id=credential.token_id,
            scopes=scopes.managing() if credential.admin and personal else scopes,
            expires_at=credential.expires_at,
            user_id=credential.user_id,
            username=credential.username,
            account_id=credential.account_id,
            account_euuid=credential.account_euuid,
            preview=credential.preview,
            client_id=credential.client_id,
            admin=bool(credential.admin),
            audience=tuple(credential.audience.split()),
            external_id=credential.external_id,
            not_before=credential.not_before,
            rotates_itself_only=bool(credential.rotates_itself_only),
            metadata=_read_metadata(credential.user_metadata, credential.token_metadata),
        )
        networks = stored_networks(credential.networks)
        limit = lowest(credential.requests_per_minute, credential.kind_limit)
        known = Known(secret.reveal().encode("ascii"), actor, networks, credential.disabled_at, limit)
        if credential.watched is not None:
            known.watched = self._read_scopes(credential.watched)
        now = self._now()
        # And so not worth remembering; of what is remembered, nobody has to ask again whether it is valid already.
        if now >= known.expires_at or known.disabled_at is not None or now < actor.not_before:
            return self._deny(known, find_denial(known, Circumstances(now)))
        if self._cache is not None and mark is not None:
            self._cache.put(known, mark)
        return known


def _read_metadata(of_user: str | None, of_token: str | None) -> Metadata:
    if of_user is None and of_token is None:
        return NOTHING_KEPT
    return Metadata(from_column(of_user), from_column(of_token))


def _recall_nothing(_: bytes) -> None:
    return None


def _lack_nothing(_: bytes) -> bool:
    return False


def read_bearer(authorization: str) -> bytes | None:
    """Take the token out of the value of an Authorization header; None if it is no bearer token (RFC 6750)."""
    if (
        _LENGTH_MIN <= len(authorization) <= _LENGTH_MAX
        and authorization.startswith(_START)
        and authorization[7] != " "
        and authorization.isascii()
    ):
        return authorization[7:].encode("ascii")  # what almost everybody sends, at half the price
    match = _BEARER.fullmatch(authorization)
    return None if match is None else match[1].encode("ascii")


def read_bound(authorization: str | None) -> str | None:
    """Take the token out of the value of an Authorization header; None if its scheme is another than DPoP."""
    match = None if authorization is None else _BOUND.fullmatch(authorization)
    return None if match is None else match[1]

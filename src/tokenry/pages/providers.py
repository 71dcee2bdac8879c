"""Signing in by an OpenID provider: sending somebody there, and taking who comes back."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from tokenry.complaints import Complaints
from tokenry.domain.errors import NotFound, Unavailable
from tokenry.domain.providers import NotSignedIn, Person, Provider, Trouble
from tokenry.domain.seals import Ticket, Tickets
from tokenry.domain.secrets import Secret
from tokenry.openid.attempts import TARGET_LENGTH_MAX, Attempt
from tokenry.openid.fetching import SECONDS_MAX
from tokenry.openid.relying_party import Answer, OpenIdRelyingParty
from tokenry.pages.page import Run
from tokenry.pages.paths import HOME, own_path
from tokenry.pages.signed_in import go_on, session_cookie, start_path
from tokenry.pages.throttle import TOO_OFTEN, Throttle
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit, show
from tokenry.service.identities import Identities
from tokenry.service.sessions import Sessions
from tokenry.web.limits import network
from tokenry.web.threads import Threads

T = TypeVar("T")
COOKIE = "tokenry-provider"
"""Of a sign-in under way. There is one at a time: who begins another one in the same browser begins anew."""
PARAMETERS = ("code", "state", "iss", "error")
STATUS_AND_WORDS = {
    Trouble.UNREACHABLE: (503, "%(provider)s does not answer as it should. Try again later, or sign in another way."),
    Trouble.UNTRUSTED: (
        400,
        "What %(provider)s said of who you are does not hold. Try again, and if that does not help, tell the operator.",
    ),
    Trouble.STALE: (
        400,
        "This sign-in was not begun in this browser, or longer than 10 minutes ago, or it is done. Begin again.",
    ),
    Trouble.DECLINED: (403, "%(provider)s did not let you in, or you cancelled."),
    Trouble.STRANGER: (
        403,
        "%(provider)s knows you, but there is no user for you here. Ask whoever runs this service.",
    ),
    Trouble.DISABLED: (403, "Your user is disabled. Ask whoever runs this service."),
}
_TOLD = frozenset({Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.STRANGER})
"""What the log has, since an operator may have to do something about it."""


class ProviderPages:
    """`/sign-in/with/{provider}` and `/sign-in/callback/{provider}`.

    Each provider has threads of its own, of which each client network has one. So one that does not answer holds up
    nobody who signs in another way, and nothing else.
    """

    def __init__(
        self,
        parties: Sequence[OpenIdRelyingParty],
        identities: Identities,
        sessions: Sessions,
        throttle: Throttle,
        tickets: Tickets,
    ) -> None:
        self._parties = {party.provider.name: (party, Threads(SECONDS_MAX + 1)) for party in parties}
        self._identities = identities
        self._sessions = sessions
        self._throttle = throttle
        self._tickets = tickets
        self._complaints = Complaints("signing in by a provider fails")

    async def begin(self, visit: Visit, run: Run) -> Reply:
        """GET on the way to a provider. With `again`, who is signed in proves anew who it is."""
        party, threads = self._find(visit)
        target = own_path(visit.query.get("next"))
        again = visit.session is not None and "again" in visit.query
        if visit.session is not None and not again:
            return Redirect(target)
        attempt = Attempt(visit.now, target if len(target) <= TARGET_LENGTH_MAX else HOME, again=again)
        try:
            address = await _ask(threads, visit, partial(party.begin, attempt))
        except NotSignedIn as refusal:
            return self._explain(party.provider, refusal, visit, target)
        ticket = self._tickets.issue(attempt.values, bound_to=party.provider.name, now=visit.now)
        return Redirect(address, [Cookie(COOKIE, ticket, int(self._tickets.lifetime.total_seconds()))])

    async def finish(self, visit: Visit, run: Run) -> Reply:
        """GET on the way back from a provider."""
        party, threads = self._find(visit)
        target = HOME
        try:
            ticket, attempt = self._read_attempt(party.provider, visit)
            target = attempt.target
            if await self._throttle.refuses_from(visit.address):  # of those alone that were begun here
                return _refuse(party.provider, visit, target, 429, TOO_OFTEN)
            await run(partial(self._use, ticket), writes=True)
            answer = Answer(*(visit.query.get(name) for name in PARAMETERS))
            person = await _ask(threads, visit, partial(party.finish, attempt, answer))
            secret = await run(partial(self._sign_in, party.provider, person, attempt, visit), writes=True)
        except NotSignedIn as refusal:
            return self._explain(party.provider, refusal, visit, target)
        return go_on(target, session_cookie(secret, self._sessions), Cookie(COOKIE, ""))

    def _find(self, visit: Visit) -> tuple[OpenIdRelyingParty, Threads]:
        found = self._parties.get(visit.path["provider"])
        if found is None:
            raise NotFound
        return found

    def _read_attempt(self, provider: Provider, visit: Visit) -> tuple[Ticket, Attempt]:
        """The attempt that this browser began with this provider, to which this is the answer. Raises NotSignedIn."""
        ticket = self._tickets.read(visit.cookies.get(COOKIE, ""), bound_to=provider.name, now=visit.now)
        attempt = None if ticket is None else Attempt.of(ticket.values)
        if ticket is None or attempt is None or not attempt.matches(visit.query.get("state")):
            raise NotSignedIn(Trouble.STALE, "no sign-in is under way in this browser that this is the answer to")
        if any(len(visit.query.all(name)) > 1 for name in PARAMETERS):
            raise NotSignedIn(Trouble.UNTRUSTED, "the answer says something twice")
        return ticket, attempt

    def _use(self, ticket: Ticket) -> None:
        """Use an attempt up, whatever comes of it. Raises NotSignedIn if that was done before."""
        if not self._identities.use_ticket(ticket):
            raise NotSignedIn(Trouble.STALE, "this sign-in was answered before")

    def _sign_in(self, provider: Provider, person: Person, attempt: Attempt, visit: Visit) -> Secret:
        if attempt.again:
            return self._identities.authenticate_again(person, visit.signed_in, visit.address)
        return self._identities.sign_in(
            provider, person, address=visit.address, agent=visit.agent, replaced=visit.session
        )

    def _explain(self, provider: Provider, refusal: NotSignedIn, visit: Visit, target: str) -> Reply:
        if refusal.trouble in _TOLD:
            self._complaints.add(f"{provider.name}: {refusal.reason}")
        status, words = STATUS_AND_WORDS[refusal.trouble]
        return _refuse(provider, visit, target, status, words)


async def _ask(threads: Threads, visit: Visit, work: Callable[[], T]) -> T:
    """Wait for a provider in one of its own threads. Raises NotSignedIn, TooManyRequests."""
    try:
        return await threads.run(work, who=network(visit.address))
    except Unavailable:
        raise NotSignedIn(Trouble.UNREACHABLE, "too many sign-ins wait for it") from None


def _refuse(provider: Provider, visit: Visit, target: str, status: int, words: str) -> Reply:
    return show("provider_refusal", status, label=provider.label, words=words, address=start_path(visit, target))

"""`/oauth/authorize`: a client sends its user's browser here with a request, which the user agrees to or refuses.

GET changes nothing, unless the user agreed to as much before. What is agreed to goes by a form of this page, with the
request in its address: it is read and judged again, and has to be what was shown. So it works in two tabs.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qsl, urlencode

from tokenry.domain.authorization import Answer, Prompt, RefusedToClient
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Invalid, Refusal
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.sessions import Session
from tokenry.pages.paths import AGAIN, AUTHORIZE, TARGET_LENGTH_MAX, sign_in_path
from tokenry.pages.visits import Redirect, Reply, Visit, show
from tokenry.pages.wording import describe_destination, form_sources, is_dangerous, list_permissions
from tokenry.printable import printable
from tokenry.service.authorization import Authorizations, Changed, Consent, OpenedRequest, Review

AGREE, CANCEL = "agree", "cancel"
QUERY_LENGTH_MAX = TARGET_LENGTH_MAX - len(AUTHORIZE) - 1
"""So that it can be gone on with after signing in."""


class AuthorizePages:
    """The page that an application sends somebody to, to be let in."""

    def __init__(self, authorizations: Authorizations, catalogue: Catalogue, issuer: str) -> None:
        self._authorizations = authorizations
        self._catalogue = catalogue
        self._issuer = issuer

    def show_request(self, visit: Visit) -> Reply:
        """GET what an application asks for."""
        return self._telling(partial(self._show, visit))

    def decide(self, visit: Visit) -> Reply:
        """POST what its user says to that."""
        return self._telling(partial(self._decide, visit))

    def _telling(self, decide: Callable[[], Reply]) -> Reply:
        """Do it; where it is refused, tell the application, or its user where it is not known which it is."""
        try:
            return decide()
        except RefusedToClient as refused:
            return self._tell(refused.answer, refused)
        except Invalid as refusal:
            return show("authorize_refusal", 400, wrong=refusal.faults, address=None)

    def _show(self, visit: Visit) -> Reply:
        asked = self._authorizations.open_request(_query(visit))
        prompts, session = asked.request.prompts, visit.session
        if session is None or _must_sign_in_again(session, asked):
            if Prompt.NONE in prompts:
                return self._answer_silently(asked, OAuthError.LOGIN_REQUIRED, "The user is not signed in.")
            return _sign_in(visit)
        review = self._authorizations.review(session.user, asked)
        if review.consented and not prompts & {Prompt.CONSENT, Prompt.SELECT_ACCOUNT}:
            with suppress(Changed):  # until just now
                return self._allow(visit, session)
        if Prompt.NONE in prompts:
            return self._answer_silently(asked, OAuthError.CONSENT_REQUIRED, "The user has to agree.")
        return self._ask(visit, review)

    def _decide(self, visit: Visit) -> Reply:
        asked = self._authorizations.open_request(_query(visit))
        session = visit.session
        if session is None or _must_sign_in_again(session, asked):
            return _sign_in(visit)
        if visit.form.find("decision") == CANCEL:
            refusal = OAuthRefusal(OAuthError.ACCESS_DENIED, "The user refused.")
            return Redirect(self._authorizations.refuse(asked, refusal).write(self._issuer))
        review = self._authorizations.review(session.user, asked)
        if visit.form.find("decision") != AGREE or _needs_proof(visit, review):
            return self._ask(visit, review)
        chosen = _read_scopes(visit, review)
        if chosen == NOTHING:
            return self._ask(visit, review, Fault("Choose what the application may do, or cancel", "scope"), status=400)
        try:
            return self._allow(visit, session, Consent(visit.form.get("fingerprint"), chosen))
        except Changed as refusal:
            return self._ask(visit, review, *refusal.faults, status=409)

    def _allow(self, visit: Visit, session: Session, consent: Consent | None = None) -> Reply:
        answer = self._authorizations.allow(session, visit.address, _query(visit), consent)
        return Redirect(answer.write(self._issuer))

    def _answer_silently(self, asked: OpenedRequest, code: OAuthError, description: str) -> Reply:
        refusal = OAuthRefusal(code, description)
        return self._tell(self._authorizations.refuse(asked, refusal), refusal)

    def _tell(self, answer: Answer, refusal: Refusal) -> Reply:
        """Tell an application what became of its request, of which its user has decided nothing."""
        address, destination = answer.write(self._issuer), answer.destination
        if destination.trusted:
            return Redirect(address)
        back = describe_destination(destination.redirect_uri)
        return show("authorize_refusal", 400, wrong=refusal.faults, address=address, destination=back)

    def _ask(self, visit: Visit, review: Review, *faults: Fault, status: int = 200) -> Reply:
        """Show what there is to decide, to somebody who has proved who it is not long ago, if it is dangerous."""
        if _needs_proof(visit, review):
            return _sign_in(visit)
        client, request = review.asked.client, review.asked.request
        redirect_uri = request.destination.redirect_uri
        return show(
            "authorize",
            status,
            form_action=form_sources(redirect_uri),
            faults=faults,
            action=f"{AUTHORIZE}?{_query(visit)}",
            label=printable(client.label),
            client=client,
            user=review.user,
            destination=describe_destination(redirect_uri),
            audience=request.audience,
            everything=review.offered.everything,
            dangerous=is_dangerous(review.offered),
            permissions=list_permissions(review.offered, self._catalogue),
            narrowing=_is_narrowed(review),
            refreshes=review.asked.refreshes,
            lifetime=review.lifetime,
            fingerprint=review.fingerprint,
        )


def _read_scopes(visit: Visit, review: Review) -> Scopes | None:
    """What is ticked, where anything can be unticked. Raises Invalid."""
    if not _is_narrowed(review):
        return None
    try:
        return Scopes.parse(" ".join(visit.form.all("scope")))
    except ValueError:
        raise Invalid(Fault("Must be of those that were offered", "scope")) from None


def _needs_proof(visit: Visit, review: Review) -> bool:
    return is_dangerous(review.offered) and not visit.signed_in.is_recent(visit.now)


def _is_narrowed(review: Review) -> bool:
    return review.asked.client.rights.narrowing and not review.offered.everything


def _must_sign_in_again(session: Session, asked: OpenedRequest) -> bool:
    """Whether the application wants its user to sign in anew, who has not done so since it asked.

    A request in an address loses its `prompt=login` on the way to sign in. One that was pushed is not in the address.
    """
    if Prompt.LOGIN not in asked.request.prompts:
        return False
    return asked.pushed is None or session.authenticated < asked.pushed.created


def _sign_in(visit: Visit) -> Redirect:
    """Sign in, or prove again who it is, and go on with the request."""
    pairs = [
        (name, " ".join(word for word in value.split(" ") if word != Prompt.LOGIN) if name == "prompt" else value)
        for name, value in _pairs(visit)
    ]
    target = f"{AUTHORIZE}?{_encode(pairs)}"
    return Redirect(sign_in_path(target) if visit.session is None else sign_in_path(target, AGAIN))


def _query(visit: Visit) -> str:
    """The request as it stands in the address, in the characters that a path of ours may have. Raises Invalid."""
    query = _encode(_pairs(visit))
    if len(query) > QUERY_LENGTH_MAX:
        raise Invalid(Fault(f"Must have at most {QUERY_LENGTH_MAX} characters"))
    return query


def _pairs(visit: Visit) -> list[tuple[str, str]]:
    return parse_qsl(visit.raw_query, errors="surrogateescape")


def _encode(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogateescape")

"""How somebody signs in: the overview, one-time passwords and recovery codes. Each change needs a recent proof."""

from urllib.parse import unquote

from markupsafe import Markup

from tokenry.domain.errors import AlreadyMade, Fault, Invalid
from tokenry.domain.one_time_passwords import group_key, key_address
from tokenry.pages.cookies import NEXT, form_token
from tokenry.pages.navigation import SIGN_IN
from tokenry.pages.once import form_request, tell_made
from tokenry.pages.paths import HOME, ONE_TIME_PASSWORDS, RECOVERY_CODES, SECURITY, own_path
from tokenry.pages.signed_in import require_recent, session_cookie
from tokenry.pages.visits import FLASHES, Cookie, Redirect, Reply, Visit, show
from tokenry.service.factors import Factors, Renewed
from tokenry.service.installation import Installation
from tokenry.service.one_time_passwords import Offer, OneTimePasswords
from tokenry.service.sessions import Sessions

REMOVE = f"{ONE_TIME_PASSWORDS}/remove"
DO_WITHOUT = "Do without one-time passwords"
DO_WITHOUT_MEANS = (
    "Codes of your app open nothing any more, and all other browsers with which you are signed in will be signed out."
)
NEW_CODES = "Make new recovery codes"
NEW_CODES_MEAN = "Those that you have open nothing any more."
NEW_CODES_DONE = "Those before open nothing any more."
QUIET_MODULES = 4
"""The white margin that those who scan the picture need (ISO/IEC 18004)."""


class SecurityPages:
    """`/sign-in/security`, and what is below it but for passkeys."""

    def __init__(self, installation: Installation) -> None:
        self._factors: Factors = installation.factors
        self._one_time_passwords: OneTimePasswords = installation.one_time_passwords
        self._sessions: Sessions = installation.sessions
        self._party = installation.passkeys.party
        self._issuer = installation.public_url or ""

    def show(self, visit: Visit) -> Reply:
        """GET all by which somebody signs in."""
        session = visit.signed_in
        target = own_path(unquote(visit.cookies.get(NEXT, "")))
        waits = target != HOME and not session.factor_wanted
        return show(
            "security",
            cookies=[Cookie(NEXT, "")] if waits else [],
            held=self._factors.list_held(session),
            party=self._party,
            target=target if waits else None,
            section=SIGN_IN.title,
        )

    def show_set_up(self, visit: Visit) -> Reply:
        """GET a new key, which is not set up until it comes back with a code."""
        require_recent(visit)
        return self._show_offer(visit, self._one_time_passwords.offer_key(visit.signed_in, visit.form_token))

    def set_up(self, visit: Visit) -> Reply:
        """POST a code of the key that was shown. Who was shown it needed a recent proof then."""
        session, ticket = visit.signed_in, visit.form.get("ticket")
        code = visit.form.get("code").replace(" ", "")
        try:
            renewed = self._one_time_passwords.set_up(visit.origin, session, ticket, code, bound_to=visit.form_token)
        except Invalid as refusal:
            offer = self._one_time_passwords.find_offer(session, ticket, visit.form_token)
            if offer is None:
                return Redirect(ONE_TIME_PASSWORDS, flash="took-too-long")
            return self._show_offer(visit, offer, *refusal.faults)
        return show_renewed(renewed, self._sessions, "one-time-set")

    def show_removal(self, visit: Visit) -> Reply:
        """GET the question whether to do without."""
        require_recent(visit)
        return show(
            "factor_question",
            title=DO_WITHOUT,
            path=REMOVE,
            question=DO_WITHOUT_MEANS,
        )

    def remove(self, visit: Visit) -> Reply:
        """POST that somebody does without one-time passwords."""
        require_recent(visit)
        renewed = self._one_time_passwords.remove(visit.origin, visit.signed_in)
        return show_renewed(renewed, self._sessions, "one-time-removed")

    def show_codes_question(self, visit: Visit) -> Reply:
        """GET the question whether to make new recovery codes."""
        require_recent(visit)
        return show(
            "factor_question",
            title=NEW_CODES,
            path=RECOVERY_CODES,
            question=NEW_CODES_MEAN,
        )

    def make_codes(self, visit: Visit) -> Reply:
        """POST that somebody wants new recovery codes, which are shown once."""
        require_recent(visit)
        try:
            codes = self._factors.make_codes(visit.origin, visit.signed_in, form_request(visit))
        except AlreadyMade:
            return tell_made(SECURITY)
        if not codes:
            return Redirect(SECURITY)
        return show("recovery_codes", codes=codes, done=NEW_CODES_DONE)

    def _show_offer(self, visit: Visit, offer: Offer, *faults: Fault) -> Reply:
        host = self._issuer.partition("://")[2]
        address = key_address(offer.key, username=visit.signed_in.user.username, issuer=host)
        return show(
            "one_time_passwords",
            400 if faults else 200,
            faults=faults,
            key=group_key(offer.key),
            picture=_draw(address),
            ticket=offer.ticket,
        )


def show_renewed(renewed: Renewed, sessions: Sessions, flash: str) -> Reply:
    """After a change of somebody's factors: the recovery codes, if there are new ones; else the overview."""
    cookie = session_cookie(renewed.secret, sessions)
    if not renewed.codes:
        return Redirect(SECURITY, [cookie], flash=flash)
    own = form_token(renewed.secret.reveal())
    return show("recovery_codes", codes=renewed.codes, done=FLASHES[flash], cookies=[cookie], form_token=own)


def _draw(address: str) -> Markup:
    """A QR code as SVG."""
    import segno  # noqa: PLC0415 - nobody else need wait for it

    code = segno.make(address, error="m", micro=False)
    picture = code.svg_inline(
        omitsize=True, border=QUIET_MODULES, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return Markup(picture)  # noqa: S704 - of squares alone

"""Giving a token another secret: how long the old one opens meanwhile, and the page that shows the new one, once."""

from tokenry.domain.details import Details
from tokenry.domain.errors import AlreadyMade, Conflict, Fault, Invalid
from tokenry.domain.rotation import GRACE_SECONDS_DEFAULT, GRACE_SECONDS_MAX, NewRotation
from tokenry.pages.console.new_token import needs_proof
from tokenry.pages.console.shown import show_in
from tokenry.pages.console.token import ENDED
from tokenry.pages.navigation import TOKENS
from tokenry.pages.once import is_another, new_key, read_key, request_of
from tokenry.pages.paths import CONSOLE_TOKENS
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.service.installation import Installation

GRACES = (0, 60 * 60, GRACE_SECONDS_DEFAULT, GRACE_SECONDS_MAX)
"""How long the old secret may go on, in seconds, to choose from."""
AT_ONCE = "now"
MADE_BEFORE = "The token was given another secret by this form before. Send it once more to give it one more."


class RotationPages:
    """`/console/tokens/{token_id}/rotate`."""

    def __init__(self, installation: Installation) -> None:
        self._details = installation.details
        self._catalogue = installation.catalogue
        self._rotations = installation.rotations
        self._public_url = installation.public_url

    def ask(self, visit: Visit) -> Reply:
        """GET the question how."""
        return self._ask(visit, new_key())

    def rotate(self, visit: Visit) -> Reply:
        """POST it; the only answer with the new secret."""
        details, key = self._find(visit), read_key(visit.form)
        if needs_proof(self._catalogue.stored(str(details.token.scopes)), details.token.expiry, visit.now):
            require_recent(visit)
        new = _read(visit)
        if new is None:
            return self._ask(visit, key, Fault("Choose how long the old secret opens", "grace"))
        token_id = details.token.id
        try:
            request = request_of(key, token_id, new.grace_seconds, new.activation)
            token, secret = self._rotations.rotate_token(visit.origin, token_id, new, request)
        except AlreadyMade as made:
            return Redirect(f"{CONSOLE_TOKENS}/{made.id}", flash="made-already")
        except Invalid as refusal:
            if is_another(refusal):
                return self._ask(visit, new_key(), Fault(MADE_BEFORE))
            return self._ask(visit, key, *refusal.faults)
        except Conflict as refusal:
            return self._ask(visit, key, *refusal.faults)
        return show_in(
            TOKENS,
            "secret",
            token=token,
            secret=secret.reveal(),
            public_url=self._public_url,
            rotation=new,
        )

    def _ask(self, visit: Visit, key: str, *faults: Fault) -> Reply:
        details = self._find(visit)
        if details.state in ENDED:
            return Redirect(f"{CONSOLE_TOKENS}/{details.token.id}")
        return show_in(
            TOKENS,
            "rotate",
            400 if faults else 200,
            faults=faults,
            details=details,
            token=details.token,
            key=key,
            graces=[NewRotation(seconds) for seconds in GRACES],
            chosen=GRACE_SECONDS_DEFAULT,
            proxy=visit.signed_in.user.proxy,
        )

    def _find(self, visit: Visit) -> Details:
        return self._details.get_details(visit.signed_in.user.id, visit.path_id("token_id"))


def _read(visit: Visit) -> NewRotation | None:
    grace = read_id(visit.form.get("grace"))
    if grace is None or grace not in GRACES:
        return None
    return NewRotation(grace, on_first_use=visit.form.get("begin") != AT_ONCE)

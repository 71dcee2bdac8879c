"""Somebody's passkeys: adding one, naming and removing them. Each change needs a recent proof."""

from tokenry.domain.errors import Fault, Invalid
from tokenry.pages.paths import SECURITY
from tokenry.pages.rendering import PASSKEYS
from tokenry.pages.security import show_renewed
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit, show
from tokenry.service.passkeys import PasskeyResponse, Passkeys
from tokenry.service.sessions import Sessions


class PasskeyPages:
    """`/sign-in/security/passkeys`, and each of them below it."""

    def __init__(self, passkeys: Passkeys, sessions: Sessions) -> None:
        self._passkeys = passkeys
        self._sessions = sessions

    def show_new(self, visit: Visit) -> Reply:
        """GET the form that a browser answers by making one."""
        require_recent(visit)
        return self._ask(visit, None)

    def register(self, visit: Visit) -> Reply:
        """POST what the browser made."""
        require_recent(visit)
        label = visit.form.get("label").strip()
        answered = PasskeyResponse(visit.form.get("answer"), visit.form.get("ticket"), visit.form_token)
        try:
            renewed = self._passkeys.register(visit.origin, visit.signed_in, answered, label)
        except Invalid as refusal:
            return self._ask(visit, label, *refusal.faults)
        return show_renewed(renewed, self._sessions, "passkey-added")

    def show_one(self, visit: Visit) -> Reply:
        """GET the form of one."""
        require_recent(visit)
        passkey = self._passkeys.get_passkey(visit.signed_in, visit.path_id("passkey"))
        return show("passkey", passkey=passkey, label=passkey.label)

    def change(self, visit: Visit) -> Reply:
        """POST another label, or that one is to be removed."""
        require_recent(visit)
        session, passkey_id = visit.signed_in, visit.path_id("passkey")
        if visit.form.find("do") == "remove":
            renewed = self._passkeys.remove(visit.origin, session, passkey_id)
            return show_renewed(renewed, self._sessions, "passkey-removed")
        label = visit.form.get("label").strip()
        try:
            self._passkeys.rename(visit.origin, session, passkey_id, label)
        except Invalid as refusal:
            passkey = self._passkeys.get_passkey(session, passkey_id)
            return show("passkey", 400, faults=refusal.faults, passkey=passkey, label=label)
        return Redirect(SECURITY)

    def _ask(self, visit: Visit, label: str | None, *faults: Fault) -> Reply:
        possible = self._passkeys.party is not None
        return show(
            "new_passkey",
            400 if faults else 200,
            script=PASSKEYS if possible else None,
            faults=faults,
            label=label,
            asked=self._passkeys.ask_for_new(visit.signed_in, visit.form_token) if possible else None,
        )

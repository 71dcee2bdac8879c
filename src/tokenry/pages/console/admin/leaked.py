"""Revoking a token by its text, wherever that was found."""

from dataclasses import replace

from tokenry.domain.details import Reason
from tokenry.domain.errors import Fault, Forbidden
from tokenry.domain.secrets import Secret
from tokenry.pages.console.admin.places import LEAKED
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.service.installation import Installation

_NO_TOKEN = Fault("This is no token: paste all of it, and nothing else", "secret")


class LeakedPages:
    """`/console/admin/leaked`."""

    def __init__(self, installation: Installation) -> None:
        self._revocations = installation.revocations
        self._leaks = installation.leaks

    def show(self, _visit: Visit) -> Reply:
        """GET the form."""
        return show_admin(LEAKED, "leaked")

    def revoke(self, visit: Visit) -> Reply:
        """POST the text of a token, which is shown nowhere.

        One of another account is revoked as anybody may do who found it, by a leak report.
        """
        text = visit.form.find("secret").strip()  # which a form that was kept has no more
        if Secret.parse(text) is None:
            return show_admin(LEAKED, "leaked", 400, faults=[_NO_TOKEN])
        try:
            revoked = self._revocations.revoke_presented(replace(visit.origin, reason=Reason.LEAKED), text)
        except Forbidden:
            revoked = self._leaks.revoke_reported([text], visit.address) > 0
        return Redirect(LEAKED.path, flash="secret-revoked" if revoked else "secret-unknown")

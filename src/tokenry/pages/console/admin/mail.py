"""Trying whether mail goes out."""

from tokenry.domain.errors import Invalid
from tokenry.pages.console.admin.places import MAIL
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.service.installation import Installation


class MailPages:
    """`/console/admin/mail`."""

    def __init__(self, installation: Installation) -> None:
        self._mailing = installation.mailing

    def show(self, visit: Visit) -> Reply:
        """GET where a test message would go."""
        return show_admin(MAIL, "mail", email=visit.signed_in.user.email)

    def send(self, visit: Visit) -> Reply:
        """POST for a test message to one's own address."""
        try:
            self._mailing.send_test(visit.origin)
        except Invalid as refusal:
            return show_admin(MAIL, "mail", 400, faults=refusal.faults, email=visit.signed_in.user.email)
        return Redirect(MAIL.path, flash="mail-sent")

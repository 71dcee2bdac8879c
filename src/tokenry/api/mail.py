"""`/tokenry/mail/test`: whether mail goes out."""

from tokenry.domain.callers import Callers
from tokenry.domain.scopes import WRITES
from tokenry.service.installation import Installation
from tokenry.service.mailing import Mailing
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Paths, change


def mail_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/mail/test`."""
    mail = MailOperations(installation.mailing)
    return {
        "/tokenry/mail/test": resource(POST=change(mail.send_test, WRITES, Callers.ADMINISTRATORS, reads_body=False))
    }


class MailOperations:
    """`/tokenry/mail/test`."""

    def __init__(self, mailing: Mailing) -> None:
        self._mailing = mailing

    def send_test(self, call: Call) -> object:
        """POST to be sent a message at one's own address."""
        return {"sent_to": self._mailing.send_test(call.origin)}

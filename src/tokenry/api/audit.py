"""`/tokenry/audit` and `/tokenry/profile/audit`: what was done, for an account's managers and for each user."""

from tokenry.api.lists import read_list
from tokenry.api.wire import write_page
from tokenry.domain.callers import Callers
from tokenry.domain.filters import Kind
from tokenry.domain.scopes import AUDIT_READS, READS
from tokenry.service.audit import Audit
from tokenry.service.installation import Installation
from tokenry.web.events import write_entry
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths

FILTERABLE = {
    "id": Kind.INTEGER,
    "at": Kind.TIME,
    "actor": Kind.TEXT,
    "token_id": Kind.INTEGER,
    "address": Kind.TEXT,
    "action": Kind.TEXT,
    "subject": Kind.TEXT,
}


def audit_paths(installation: Installation, resource: MakeResource) -> Paths:
    """The paths of the audit."""
    audit = AuditOperations(installation.audit)
    return {
        "/tokenry/audit": resource(GET=Operation(audit.list_events, AUDIT_READS, Callers.MANAGERS)),
        "/tokenry/profile/audit": resource(GET=Operation(audit.list_own_events, READS)),
    }


class AuditOperations:
    """Both lists, paged, filtered and ordered."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def list_events(self, call: Call) -> object:
        """GET what was done in the account."""
        return write_page(self._audit.list_events(call.actor, *read_list(call, FILTERABLE)), write_entry)

    def list_own_events(self, call: Call) -> object:
        """GET what was done to the caller and to the caller's tokens."""
        return write_page(self._audit.list_own_events(call.actor, *read_list(call, FILTERABLE)), write_entry)

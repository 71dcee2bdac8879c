"""`/tokenry/audit` and `/tokenry/profile/audit`: what was done, for an account's managers and for each user."""

from collections.abc import Iterator, Sequence

from tokenry.api.exports import read_format, write_export
from tokenry.api.filters import FIELD, read_filter
from tokenry.api.lists import filter_header, read_list
from tokenry.api.wire import write_page
from tokenry.domain.actions import action_faults
from tokenry.domain.audit import Entry
from tokenry.domain.callers import Callers
from tokenry.domain.errors import Fault, Invalid, collect_faults, raise_faults
from tokenry.domain.filters import Filter, Kind
from tokenry.domain.paging import PageRequest
from tokenry.domain.scopes import AUDIT_READS, READS
from tokenry.service.audit import Audit
from tokenry.service.installation import Installation
from tokenry.web.answers import Answer
from tokenry.web.events import COLUMNS, write_entry
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
        "/tokenry/audit/export": resource(GET=Operation(audit.export_events, AUDIT_READS, Callers.MANAGERS)),
        "/tokenry/profile/audit": resource(GET=Operation(audit.list_own_events, READS)),
        "/tokenry/profile/audit/export": resource(GET=Operation(audit.export_own_events, READS)),
    }


class AuditOperations:
    """Both lists, paged, filtered and ordered; and as files, filtered."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def list_events(self, call: Call) -> object:
        """GET what was done in the account."""
        return write_page(self._audit.list_events(call.actor, *_read_list(call)), write_entry)

    def list_own_events(self, call: Call) -> object:
        """GET what was done to the caller and to the caller's tokens."""
        return write_page(self._audit.list_own_events(call.actor, *_read_list(call)), write_entry)

    def export_events(self, call: Call) -> object:
        """GET all of what was done in the account, the newest first, as CSV or as JSON Lines."""
        format, filter = _read_export(call)
        return _write_export(format, self._audit.export_events(call.actor, filter))

    def export_own_events(self, call: Call) -> object:
        """GET all of what was done to the caller and to the caller's tokens, likewise."""
        format, filter = _read_export(call)
        return _write_export(format, self._audit.export_own_events(call.actor, filter))


def _read_list(call: Call) -> tuple[PageRequest, Filter]:
    request, filter = read_list(call, FILTERABLE)
    raise_faults(action_faults(filter.condition, FIELD))
    return request, filter


def _read_export(call: Call) -> tuple[str, Filter]:
    """Read the format, and which events; in which order, and how many, nobody can choose. Raises Invalid."""

    def read() -> Filter:
        filter = read_filter(filter_header(call), FILTERABLE)
        if filter != Filter(filter.condition):
            raise Invalid(Fault("Could not apply filter", FIELD))
        raise_faults(action_faults(filter.condition, FIELD))
        return filter

    return collect_faults(lambda: read_format(call.parameters), read)


def _write_export(format: str, pieces: Iterator[Sequence[Entry]]) -> Answer:
    return write_export(format, COLUMNS, (map(write_entry, piece) for piece in pieces))

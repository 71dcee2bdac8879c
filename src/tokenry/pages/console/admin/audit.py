"""What was done in an account."""

from functools import partial

from tokenry.pages.console.admin.places import AUDIT
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.console.events import Wanted, show_events, write_file
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation


class AuditPages:
    """`/console/admin/audit` and `/console/admin/audit.csv`."""

    def __init__(self, installation: Installation) -> None:
        self._audit = installation.audit

    def show_list(self, visit: Visit) -> Reply:
        """GET what was done, the newest first."""
        asked = Wanted.read(visit, AUDIT.path)
        page = self._audit.list_events(visit.signed_in.actor, asked.request, asked.filter)
        return show_events(partial(show_admin, AUDIT, "audit"), asked, page)

    def export(self, visit: Visit) -> Reply:
        """GET all of it as CSV."""
        return write_file(Wanted.read(visit, AUDIT.path), partial(self._audit.export_events, visit.signed_in.actor))

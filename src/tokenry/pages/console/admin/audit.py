"""What was done in an account."""

from tokenry.domain.errors import raise_faults
from tokenry.pages.console.admin.places import AUDIT
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.console.events import CHOICES, Wanted, write_file
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
        return show_admin(
            AUDIT,
            "audit",
            400 if asked.faults else 200,
            faults=asked.faults,
            asked=asked,
            page=page,
            actions=CHOICES,
        )

    def export(self, visit: Visit) -> Reply:
        """GET all of it as CSV."""
        asked = Wanted.read(visit, AUDIT.path)
        raise_faults(asked.faults)
        return write_file(self._audit.export_events(visit.signed_in.actor, asked.filter))

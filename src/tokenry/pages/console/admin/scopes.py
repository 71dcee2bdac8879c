"""The scopes that there are."""

from tokenry.domain.catalogue import MANAGEMENT
from tokenry.pages.console.admin.places import SCOPES
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation


class ScopePages:
    """`/console/admin/scopes`."""

    def __init__(self, installation: Installation) -> None:
        self._catalogue = installation.catalogue

    def show(self, _visit: Visit) -> Reply:
        """GET the catalogue of scopes."""
        return show_admin(SCOPES, "scopes", resources=self._catalogue.resources, management=MANAGEMENT.resources)

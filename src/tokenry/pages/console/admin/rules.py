"""What holds here: the scopes that there are, and what the operator allows."""

from tokenry.domain.catalogue import MANAGEMENT
from tokenry.pages.console.admin.places import POLICY, SCOPES
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation


class RulesPages:
    """`/console/admin/scopes` and `/console/admin/policy`."""

    def __init__(self, installation: Installation) -> None:
        self._catalogue = installation.catalogue
        self._policies = installation.policies

    def show_scopes(self, _visit: Visit) -> Reply:
        """GET the catalogue of scopes."""
        return show_admin(SCOPES, "scopes", resources=self._catalogue.resources, management=MANAGEMENT.resources)

    def show_policy(self, visit: Visit) -> Reply:
        """GET what holds for one's own next token, and how the operator sets it."""
        rules = self._policies.get_rules(visit.signed_in.user.id)
        return show_admin(POLICY, "policy", rules=rules)

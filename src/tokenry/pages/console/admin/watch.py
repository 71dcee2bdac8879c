"""Keeping a token to fewer scopes: watched for a time, and then for good."""

from collections.abc import Sequence

from tokenry.domain.details import Details
from tokenry.domain.errors import Conflict, Fault, Invalid, NotFound
from tokenry.domain.usage import Watch
from tokenry.pages.console.admin.places import ALL_TOKENS
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.console.admin.tokens import get_token
from tokenry.pages.console.matrix import Matrix
from tokenry.pages.console.scope_choice import ScopeChoice
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.service.installation import Installation


class WatchPages:
    """`/console/admin/tokens/{token_id}/watch`."""

    def __init__(self, installation: Installation) -> None:
        self._inventory = installation.inventory
        self._activity = installation.activity
        self._watching = installation.watching
        self._catalogue = installation.catalogue

    def show(self, visit: Visit) -> Reply:
        """GET what a token needs of what it may, and what came of watching it."""
        return self._show(visit)

    def change(self, visit: Visit) -> Reply:
        """POST to which scopes it is to be watched, that it is kept to them, or that it is watched no more."""
        number, do = visit.path_id("token_id"), visit.form.get("do")
        own = f"{ALL_TOKENS.path}/{number}/watch"
        try:
            match do:
                case "narrow":
                    self._watching.narrow_token(visit.origin, number, visit.form.get("scopes"))
                    return Redirect(f"{ALL_TOKENS.path}/{number}", flash="token-narrowed")
                case "unwatch":
                    self._watching.unwatch_token(visit.origin, number)
                    return Redirect(own, flash="token-unwatched")
                case _:
                    details = get_token(self._inventory, visit.signed_in.actor, number)
                    scopes = ScopeChoice.read(visit.form).text(self._offer(details))
                    self._watching.watch_token(visit.origin, number, scopes)
                    return Redirect(own, flash="token-watched")
        except (Conflict, Invalid) as refusal:
            return self._show(visit, refusal.faults)

    def _show(self, visit: Visit, faults: Sequence[Fault] = ()) -> Reply:
        actor, number = visit.signed_in.actor, visit.path_id("token_id")
        details = get_token(self._inventory, actor, number)
        advice, watch = self._activity.advise(actor, number), self._find_watch(visit, number)
        offer = self._offer(details)
        proposed = ScopeChoice.of("" if advice.sufficient is None else str(advice.sufficient), offer)
        return show_admin(
            ALL_TOKENS,
            "watch",
            400 if faults else 200,
            faults=faults,
            details=details,
            advice=advice,
            watch=watch,
            matrix=offer,
            chosen=ScopeChoice.read(visit.form) if faults else proposed,
        )

    def _offer(self, details: Details) -> Matrix:
        return Matrix.narrower(self._catalogue, details.token.scopes.by(self._catalogue.implied))

    def _find_watch(self, visit: Visit, number: int) -> Watch | None:
        try:
            return self._watching.get_watch(visit.signed_in.actor, number)
        except NotFound:
            return None

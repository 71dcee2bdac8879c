"""The page of one token: what is known of it, and what can be changed."""

from collections.abc import Sequence
from dataclasses import replace

from tokenry.domain.details import Details, NewDetails, State, description_faults
from tokenry.domain.errors import Conflict, Fault, Invalid, Refusal
from tokenry.domain.tokens import label_faults
from tokenry.pages.console.shown import show_in
from tokenry.pages.console.token_form import read_networks
from tokenry.pages.happenings import REASONS
from tokenry.pages.navigation import TOKENS
from tokenry.pages.paths import CONSOLE_TOKENS
from tokenry.pages.rendering import COUNTDOWN
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.pages.wording import summarize
from tokenry.service.installation import Installation

ENDED = frozenset({State.EXPIRED, State.REVOKED})
_FLASHES = {True: "token-disabled", False: "token-enabled"}


class TokenPage:
    """`/console/tokens/{token_id}`."""

    def __init__(self, installation: Installation) -> None:
        self._tokens = installation.tokens
        self._details = installation.details
        self._rotations = installation.rotations
        self._catalogue = installation.catalogue

    def show(self, visit: Visit) -> Reply:
        """GET one of one's tokens."""
        return self._show(visit)

    def change(self, visit: Visit) -> Reply:
        """POST another label, description or networks, or that it is disabled, or enabled again."""
        token_id, action = visit.path_id("token_id"), visit.form.find("action")
        try:
            if action in ("disable", "enable"):
                disabled = action == "disable"
                self._details.update_details(visit.origin, token_id, NewDetails(disabled=disabled))
                return Redirect(f"{CONSOLE_TOKENS}/{token_id}", flash=_FLASHES[disabled])
            if action == "save":
                self._save(visit, token_id)
                return Redirect(f"{CONSOLE_TOKENS}/{token_id}", flash="token-saved")
        except (Conflict, Invalid) as refusal:
            return self._show(visit, refusal)
        return Redirect(f"{CONSOLE_TOKENS}/{token_id}")

    def _save(self, visit: Visit, token_id: int) -> None:
        """Raises Invalid before anything is changed, for what is typed."""
        before = self._details.get_details(visit.signed_in.user.id, token_id)
        label, description = visit.form.get("label").strip(), visit.form.get("description").strip()
        faults: list[Fault] = [] if label == before.token.label else label_faults(label)
        faults += description_faults(description)
        networks = read_networks(visit.form.get("networks"), faults)
        if faults:
            raise Invalid(*faults)
        if label != before.token.label:
            self._tokens.rename_token(visit.origin, token_id, label)
        changed = None if networks == before.networks else networks
        self._details.update_details(visit.origin, token_id, NewDetails(description, changed))

    def _show(self, visit: Visit, refusal: Refusal | None = None) -> Reply:
        user = visit.signed_in.user
        details = self._details.get_details(user.id, visit.path_id("token_id"))
        faults: Sequence[Fault] = () if refusal is None else refusal.faults
        shown = show_in(
            TOKENS,
            "token",
            200 if refusal is None else 409 if isinstance(refusal, Conflict) else 400,
            faults=faults,
            details=details,
            token=details.token,
            typed=_typed(visit, details) if visit.form.find("action") == "save" else _stored(details),
            summary=summarize(details.token.scopes, self._catalogue),
            rotation=self._rotations.find_rotation(user.id, details.token.id),
            reasons=REASONS,
            ended=details.state in ENDED,
            proxy=user.proxy,
        )
        return replace(shown, script=COUNTDOWN)


def _stored(details: Details) -> dict[str, str]:
    networks = "\n".join(map(str, details.networks or ()))
    return {"label": details.token.label, "description": details.description, "networks": networks}


def _typed(visit: Visit, details: Details) -> dict[str, str]:
    return {name: visit.form.get(name) for name in _stored(details)}

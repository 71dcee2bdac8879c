"""What somebody should know of their tokens: shown above the list, until it is over or was read; and what is mailed."""

from collections.abc import Mapping

from tokenry.domain.errors import NotFound
from tokenry.domain.notices import NoticeKind
from tokenry.domain.profile import ProfileChange
from tokenry.pages.navigation import SETTINGS
from tokenry.pages.paths import CONSOLE
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.service.installation import Installation

NOTICES = f"{CONSOLE}/notices"
NOTIFICATIONS = f"{SETTINGS.path}/notifications"
KINDS: Mapping[NoticeKind, str] = {
    NoticeKind.TOKEN_EXPIRES: "A token expires: 30, 7 and 1 days before",
    NoticeKind.TOKEN_LEAKED: "A token was revoked, since somebody found it",
    NoticeKind.NEW_NETWORK: "A token is used from a network for the first time",
    NoticeKind.REVOKED_TOKEN_USED: "A token that was revoked is presented again",
}
"""What there is to be told, in English."""


class NoticePages:
    """`/console/notices` and `/console/settings/notifications`, which are forms on other pages."""

    def __init__(self, installation: Installation) -> None:
        self._notices = installation.notices
        self._profiles = installation.profiles

    def lead_to_list(self, visit: Visit) -> Reply:
        """GET, of a form that is above the list."""
        return Redirect(CONSOLE)

    def dismiss(self, visit: Visit) -> Reply:
        """POST that a notice was read."""
        notice_id = read_id(visit.form.get("notice_id"))
        if notice_id is None:
            raise NotFound
        self._notices.dismiss(visit.origin, notice_id)
        return Redirect(CONSOLE)

    def lead_to_settings(self, visit: Visit) -> Reply:
        """GET, of a form that is among the settings."""
        return Redirect(SETTINGS.path)

    def choose(self, visit: Visit) -> Reply:
        """POST what somebody wants to be told, and whether by mail."""
        kinds, by_mail = visit.form.boxes("kind"), visit.form.ticked("mail")
        self._notices.choose(visit.origin, {kind: kind.value in kinds for kind in NoticeKind})
        self._profiles.update_profile(visit.origin, ProfileChange(email_notifications=by_mail))
        return Redirect(SETTINGS.path, flash="settings-saved")

"""How the console speaks to somebody: the language, the time zone; and how that is told by mail."""

from tokenry.domain.errors import Invalid
from tokenry.domain.profile import ProfileChange
from tokenry.domain.zones import list_zones
from tokenry.pages.console.notices import KINDS
from tokenry.pages.console.shown import show_in
from tokenry.pages.languages import LANGUAGE_COOKIE, LANGUAGE_COOKIE_SECONDS, name_languages
from tokenry.pages.navigation import SETTINGS
from tokenry.pages.visits import Cookie, Redirect, Reply, Visit
from tokenry.service.installation import Installation


class SettingsPages:
    """`/console/settings`."""

    def __init__(self, installation: Installation) -> None:
        self._profiles = installation.profiles
        self._notices = installation.notices

    def show(self, visit: Visit) -> Reply:
        """GET what can be set."""
        return self._show(visit)

    def save(self, visit: Visit) -> Reply:
        """POST it. The browser remembers the language as well, for pages before somebody signs in."""
        wanted = ProfileChange(timezone=visit.form.get("timezone"), language=visit.form.get("language"))
        try:
            profile = self._profiles.update_profile(visit.origin, wanted)
        except Invalid as refusal:
            return self._show(visit, refusal)
        cookie = Cookie(LANGUAGE_COOKIE, profile.language or "", LANGUAGE_COOKIE_SECONDS)
        return Redirect(SETTINGS.path, [cookie], flash="settings-saved")

    def _show(self, visit: Visit, refusal: Invalid | None = None) -> Reply:
        profile = self._profiles.get_profile(visit.signed_in.actor)
        return show_in(
            SETTINGS,
            "settings",
            400 if refusal else 200,
            faults=refusal.faults if refusal else (),
            chosen=visit.form.get("language")
            if refusal
            else profile.language or visit.cookies.get(LANGUAGE_COOKIE, ""),
            languages=name_languages(),
            chosen_timezone=visit.form.get("timezone") if refusal else profile.timezone,
            timezones=list_zones(),
            kinds=KINDS,
            choices=self._notices.get_choices(visit.signed_in.actor),
            by_mail=profile.email_notifications,
        )

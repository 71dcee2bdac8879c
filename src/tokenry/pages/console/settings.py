"""How the console speaks to somebody: the language, the time zone; and how that is told by mail."""

from tokenry.domain.errors import Invalid
from tokenry.domain.profile import ProfileChange
from tokenry.domain.zones import list_zones
from tokenry.languages.catalogues import LANGUAGES
from tokenry.pages.console.notices import KINDS
from tokenry.pages.console.shown import show_in
from tokenry.pages.languages import LANGUAGE_COOKIE, LANGUAGE_COOKIE_SECONDS
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
        """POST it. The language is the browser's, in a cookie; the rest is the user's."""
        timezone, chosen = visit.form.get("timezone"), visit.form.get("language")
        try:
            self._profiles.update_profile(visit.origin, ProfileChange(timezone=timezone))
        except Invalid as refusal:
            return self._show(visit, refusal)
        language = chosen if chosen in LANGUAGES else ""
        cookie = Cookie(LANGUAGE_COOKIE, language, LANGUAGE_COOKIE_SECONDS)
        return Redirect(SETTINGS.path, [cookie], notice="settings-saved")

    def _show(self, visit: Visit, refusal: Invalid | None = None) -> Reply:
        profile = self._profiles.get_profile(visit.signed_in.actor)
        return show_in(
            SETTINGS,
            "settings",
            400 if refusal else 200,
            faults=refusal.faults if refusal else (),
            chosen=visit.cookies.get(LANGUAGE_COOKIE, ""),
            languages={name: locale.get_language_name() for name, locale in LANGUAGES.items()},
            chosen_timezone=visit.form.get("timezone") if refusal else profile.timezone,
            timezones=list_zones(),
            kinds=KINDS,
            choices=self._notices.get_choices(visit.signed_in.actor),
            by_mail=profile.email_notifications,
        )

"""A user's own settings, and the rules for changing them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tokenry.domain.errors import Fault
from tokenry.domain.users import User, email_faults

TIMEZONE_LENGTH_MAX = 64
KEYS_MAX = 100
LANGUAGES: Mapping[str, str] = {"en": "en_GB", "de": "de_DE"}
"""Languages that people are spoken to in, each with the locale by whose customs times and numbers are written."""
LISH_AUTH_METHODS = ("password_keys", "keys_only", "disabled")
_SETTINGS = (
    "email",
    "timezone",
    "email_notifications",
    "ip_whitelist_enabled",
    "lish_auth_method",
    "authorized_keys",
    "language",
)
_TIMEZONE = re.compile(rf"(?=.{{1,{TIMEZONE_LENGTH_MAX}}}$)[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", re.ASCII)
_KEY = re.compile(r"[a-z][a-z0-9@.-]{0,63} [A-Za-z0-9+/]{16,}={0,2}( .*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Profile:
    """A user with the settings. Most mean something to clients, and this service only keeps them.

    Who never chose a `language` is shown pages in that of the browser, and mailed in English.
    """

    user: User
    timezone: str
    email_notifications: bool
    ip_whitelist_enabled: bool
    lish_auth_method: str
    authorized_keys: tuple[str, ...]
    language: str | None = None

    @property
    def email(self) -> str:
        """The user's address."""
        return self.user.email

    def differences(self, other: "Profile") -> list[str]:
        """The names of the settings in which two profiles of a user differ."""
        return [name for name in _SETTINGS if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """Wanted changes; None leaves a setting as it is, and an empty language takes back what was chosen.

    `faults` are those found while reading the request.
    """

    email: str | None = None
    timezone: str | None = None
    email_notifications: bool | None = None
    ip_whitelist_enabled: bool | None = None
    lish_auth_method: str | None = None
    authorized_keys: tuple[str, ...] | None = None
    two_factor_auth: bool | None = None
    language: str | None = None
    faults: tuple[Fault, ...] = ()

    def check(self, profile: Profile) -> list[Fault]:
        """Say everything that is wrong with it; an address that the user already has is not judged again."""
        faults = list(self.faults)
        if self.email not in {None, profile.email}:
            faults += email_faults(str(self.email))
        if self.timezone is not None and not _TIMEZONE.fullmatch(self.timezone):
            faults.append(Fault("Must be the name of a time zone such as Europe/Berlin", "timezone"))
        if self.lish_auth_method is not None and self.lish_auth_method not in LISH_AUTH_METHODS:
            faults.append(Fault(f"Must be one of {', '.join(LISH_AUTH_METHODS)}", "lish_auth_method"))
        faults += _key_faults(self.authorized_keys or ())
        faults += language_faults(self.language or None)
        if self.two_factor_auth not in {None, profile.user.second_factor}:
            reason = "Two-factor authentication is turned on and off in a browser, at /sign-in/security"
            faults.append(Fault(reason, "two_factor_auth"))
        return faults

    def applied_to(self, profile: Profile) -> Profile:
        """The profile as it is to be."""
        wanted = {name: getattr(self, name) for name in _SETTINGS if getattr(self, name) is not None}
        user = replace(profile.user, email=wanted.pop("email", profile.email))
        if self.language == "":
            wanted["language"] = None
        return replace(profile, user=user, **wanted)


def language_faults(language: str | None) -> list[Fault]:
    """Say whether people are spoken to in this language, if one is chosen."""
    if language is None or language in LANGUAGES:
        return []
    return [Fault(f"Must be one of {', '.join(LANGUAGES)}", "language")]


def _key_faults(keys: tuple[str, ...]) -> list[Fault]:
    if len(keys) > KEYS_MAX:
        return [Fault(f"Must be at most {KEYS_MAX} keys", "authorized_keys")]
    return [
        Fault("Must be a public SSH key: a type, base64 and an optional comment", f"authorized_keys[{index}]")
        for index, key in enumerate(keys)
        if not (_KEY.fullmatch(key) and key.isprintable())
    ]

"""`/tokenry/profile/preferences`: what users choose for themselves that the wire format of profiles has no key for."""

from collections.abc import Mapping

from tokenry.api.managed.users import unknown_keys
from tokenry.domain.errors import raise_faults
from tokenry.domain.profile import Profile, ProfileChange, language_faults
from tokenry.domain.scopes import WRITES
from tokenry.service.installation import Installation
from tokenry.service.profile import Profiles
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change


def preference_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/profile/preferences`."""
    preferences = PreferenceOperations(installation.profiles)
    return {
        "/tokenry/profile/preferences": resource(
            GET=Operation(preferences.get_preferences), PUT=change(preferences.update_preferences, WRITES)
        )
    }


class PreferenceOperations:
    """`/tokenry/profile/preferences`."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def get_preferences(self, call: Call) -> object:
        """GET what the caller chose."""
        return write_preferences(self._profiles.get_profile(call.actor))

    def update_preferences(self, call: Call) -> object:
        """PUT other choices; what is left out stays as it is, and null takes a choice back."""
        return write_preferences(self._profiles.update_profile(call.origin, read_preferences(call.body)))


def read_preferences(body: Mapping[str, object]) -> ProfileChange:
    """Read choices. Raises Invalid."""
    faults = unknown_keys(body, ["language"])
    if body.get("language", "") is None:
        language: str | None = ""
    else:
        language = read_key(body, "language", str, faults)
        faults += language_faults(language)
    raise_faults(faults)
    return ProfileChange(language=language)


def write_preferences(profile: Profile) -> dict[str, object]:
    """Write choices."""
    return {"language": profile.language}

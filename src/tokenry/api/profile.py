"""The operations on a user's own profile."""

from tokenry.api.users import answer_grants
from tokenry.api.wire_profile import read_profile_change, write_profile
from tokenry.service.profile import Profiles
from tokenry.web.requests import Call


class ProfileOperations:
    """`/profile` and `/profile/grants`."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def get_profile(self, call: Call) -> object:
        """GET the caller's profile."""
        return write_profile(self._profiles.get_profile(call.actor))

    def update_profile(self, call: Call) -> object:
        """PUT other settings."""
        change = read_profile_change(call.body)
        return write_profile(self._profiles.update_profile(call.origin, change))

    def get_grants(self, call: Call) -> object:
        """GET what the caller may."""
        return answer_grants(self._profiles.get_user(call.actor))

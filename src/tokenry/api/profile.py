"""`/profile`: what users see and change of themselves."""

from tokenry.api.wire_profile import answer_grants, read_profile_change, write_profile
from tokenry.domain.scopes import WRITES
from tokenry.service.installation import Installation
from tokenry.service.profile import Profiles
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change


def profile_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/profile` and what is below it, but for tokens and apps."""
    profile = ProfileOperations(installation.profiles)
    return {
        "/profile": resource(
            GET=Operation(profile.get_profile),
            PUT=change(profile.update_profile, WRITES),
        ),
        "/profile/grants": resource(GET=Operation(profile.get_grants)),
    }


class ProfileOperations:
    """`/profile` and `/profile/grants`."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def get_profile(self, call: Call) -> object:
        """GET the caller's profile."""
        return write_profile(self._profiles.get_profile(call.actor))

    def update_profile(self, call: Call) -> object:
        """PUT other settings."""
        wanted = read_profile_change(call.body)
        return write_profile(self._profiles.update_profile(call.origin, wanted))

    def get_grants(self, call: Call) -> object:
        """GET what the caller may."""
        return answer_grants(self._profiles.get_user(call.actor))

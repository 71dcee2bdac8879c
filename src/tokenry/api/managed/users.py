"""The operations on users whom a product knows by names of its own."""

from collections.abc import Collection, Mapping

from tokenry.api.lists import read_list
from tokenry.api.metadata import read_new_metadata
from tokenry.api.wire import write_page, write_time
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.filters import Kind
from tokenry.domain.managed import UserWanted, external_id_faults
from tokenry.domain.metadata import read_metadata
from tokenry.domain.users import User
from tokenry.service.managed import ManagedUsers
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call

FILTERABLE = {"email": Kind.TEXT, "external_id": Kind.TEXT, "username": Kind.TEXT, "metadata": Kind.METADATA}
KEYS = ("username", "email", "disabled", "metadata")


class ManagedUserOperations:
    """`/tokenry/users` and `/tokenry/users/{external_id}`."""

    def __init__(self, users: ManagedUsers) -> None:
        self._users = users

    def list_users(self, call: Call) -> object:
        """GET the users, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._users.list_users(call.actor, request, filter), write_managed)

    def get_user(self, call: Call) -> object:
        """GET one user."""
        return write_managed(self._users.get_user(call.actor, read_external_id(call)))

    def put_user(self, call: Call) -> object:
        """PUT a user: made if nobody has this name, else changed."""
        return write_managed(self._users.put_user(call.origin, read_external_id(call), read_wanted(call.body)))

    def update_user(self, call: Call) -> object:
        """PATCH a user that is there."""
        return write_managed(self._users.update_user(call.origin, read_external_id(call), read_wanted(call.body)))

    def delete_user(self, call: Call) -> object:
        """DELETE a user; from this answer on all of its tokens are refused everywhere."""
        self._users.delete_user(call.origin, read_external_id(call))
        return {}

    def on_behalf(self, call: Call) -> Origin:
        """Whose tokens a call below `/tokenry/users/{external_id}` means."""
        return self._users.on_behalf(call.origin, read_external_id(call))


def read_external_id(call: Call) -> str:
    """Read the product's name for a user in the path. Raises Invalid."""
    external_id = call.path["external_id"]
    raise_faults(external_id_faults(external_id))
    return external_id


def read_wanted(body: Mapping[str, object]) -> UserWanted:
    """Read what a user is to be. An unknown key is a fault: its sender would believe that it had an effect."""
    faults = unknown_keys(body, KEYS)
    return UserWanted(
        username=read_key(body, "username", str, faults),
        email=read_key(body, "email", str, faults),
        disabled=read_key(body, "disabled", bool, faults),
        metadata=read_new_metadata(body, faults),
        faults=tuple(faults),
    )


def unknown_keys(body: Mapping[str, object], known: Collection[str]) -> list[Fault]:
    """Say which keys of a body mean nothing."""
    return [Fault(f"Is unknown: there are {', '.join(known)}", key) for key in body if key not in known]


def write_managed(user: User) -> dict[str, object]:
    """Write a user whom a product manages."""
    return {
        "external_id": user.external_id,
        "username": user.username,
        "email": user.email,
        "disabled": user.disabled is not None,
        "created": write_time(user.created),
        "metadata": read_metadata(user.metadata),
    }

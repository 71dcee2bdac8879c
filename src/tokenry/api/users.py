"""The operations of an administrator on the users of the account."""

from tokenry.api.filters import read_filter
from tokenry.api.operation import Call
from tokenry.api.wire import read_page, write_page
from tokenry.api.wire_users import write_user
from tokenry.domain.errors import collect_faults
from tokenry.domain.filters import Kind
from tokenry.service.users import Users

FILTERABLE = {"email": Kind.TEXT, "username": Kind.TEXT}


class UserOperations:
    """`/account/users` and `/account/users/{username}`."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def list_users(self, call: Call) -> object:
        """GET the account's users, paged, filtered and ordered."""
        self._users.require_administrator(call.actor)
        request, filter = collect_faults(lambda: read_page(call.query), lambda: read_filter(call.filter, FILTERABLE))
        return write_page(self._users.list_users(call.actor, request, filter), write_user)

    def get_user(self, call: Call) -> object:
        """GET one user."""
        return write_user(self._users.get_user(call.actor, call.path["username"]))

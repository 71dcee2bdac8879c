"""The operations of an administrator on the users of the account."""

from tokenry.api.lists import read_list
from tokenry.api.wire import write_page
from tokenry.api.wire_profile import answer_grants, read_grants_change
from tokenry.api.wire_users import read_new_user, read_user_change, read_user_details, write_user, write_user_details
from tokenry.domain.filters import Kind
from tokenry.domain.links import LIFETIME, link_address
from tokenry.domain.logins import NO_SIGN_INS
from tokenry.domain.users import User
from tokenry.service.installation import Installation
from tokenry.web.requests import Call

FILTERABLE = {"email": Kind.TEXT, "username": Kind.TEXT}


class UserOperations:
    """`/account/users` and what is below it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._users = installation.account_users
        self._logins = installation.logins

    def list_users(self, call: Call) -> object:
        """GET the account's users, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        page = self._users.list_users(call.actor, request, filter)
        known = self._logins.find_sign_ins([user.id for user in page.rows])
        return write_page(page, lambda user: write_user(user, known.get(user.id, NO_SIGN_INS)))

    def create_user(self, call: Call) -> object:
        """POST a new user."""
        return write_user(self._users.create_user(call.origin, read_new_user(call.body)))

    def get_user(self, call: Call) -> object:
        """GET one user."""
        return self._write(self._users.get_user(call.actor, call.path["username"]))

    def update_user(self, call: Call) -> object:
        """PUT another name or address, or make a user an administrator or no more."""
        change = read_user_change(call.body)
        return self._write(self._users.update_user(call.origin, call.path["username"], change))

    def delete_user(self, call: Call) -> object:
        """DELETE a user; from this answer on all of its tokens are refused everywhere."""
        self._users.delete_user(call.origin, call.path["username"])
        return {}

    def get_grants(self, call: Call) -> object:
        """GET what a user may."""
        return answer_grants(self._users.get_user(call.actor, call.path["username"]))

    def update_grants(self, call: Call) -> object:
        """PUT what a restricted user may."""
        change = read_grants_change(call.body)
        return answer_grants(self._users.update_grants(call.origin, call.path["username"], change))

    def get_details(self, call: Call) -> object:
        """GET what the wire format has no field for."""
        return write_user_details(self._users.get_user(call.actor, call.path["username"]))

    def update_details(self, call: Call) -> object:
        """PUT whether a user is disabled: from this answer on all of its tokens are refused, or accepted again."""
        username, disabled = call.path["username"], read_user_details(call.body)
        if disabled is None:
            return self.get_details(call)
        return write_user_details(self._users.set_disabled(call.origin, username, disabled=disabled))

    def create_link(self, call: Call) -> object:
        """POST for a link by which the user chooses a password, once; it is in no other answer."""
        issuer = self._installation.issuer
        secret = self._installation.links.invite(call.origin, call.path["username"])
        return {"link": link_address(issuer, secret), "lifetime_seconds": int(LIFETIME.total_seconds())}

    def _write(self, user: User) -> object:
        return write_user(user, self._logins.find_sign_ins([user.id]).get(user.id, NO_SIGN_INS))

"""The operations of administrators on the service accounts of their account."""

from collections.abc import Mapping
from dataclasses import replace

from tokenry.api.lists import read_list
from tokenry.api.managed.users import unknown_keys
from tokenry.api.wire import read_new_token, write_page, write_time, write_token
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.filters import Kind
from tokenry.domain.service_accounts import ServiceAccountWanted
from tokenry.domain.users import User
from tokenry.service.service_accounts import ServiceAccounts
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call

FILTERABLE = {"email": Kind.TEXT, "username": Kind.TEXT}
NEW_KEYS = ("username", "ceiling")
KEYS = ("ceiling", "disabled")
TOKEN_KEYS = ("label", "scopes", "expiry", "not_before", "rotates_itself_only", "requests_per_minute")


class ServiceAccountOperations:
    """`/tokenry/service-accounts` and what is below it."""

    def __init__(self, accounts: ServiceAccounts) -> None:
        self._accounts = accounts

    def list_service_accounts(self, call: Call) -> object:
        """GET them, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._accounts.list_service_accounts(call.actor, request, filter), write_service_account)

    def create_service_account(self, call: Call) -> object:
        """POST a new one."""
        username, wanted = read_new(call.body)
        return write_service_account(self._accounts.create_service_account(call.origin, username, wanted))

    def get_service_account(self, call: Call) -> object:
        """GET one."""
        return write_service_account(self._accounts.get_service_account(call.actor, call.path["username"]))

    def update_service_account(self, call: Call) -> object:
        """PATCH its ceiling, disable or enable it."""
        wanted = read_wanted(call.body)
        return write_service_account(self._accounts.update_service_account(call.origin, call.path["username"], wanted))

    def delete_service_account(self, call: Call) -> object:
        """DELETE one; from this answer on its tokens are refused everywhere."""
        self._accounts.delete_service_account(call.origin, call.path["username"])
        return {}

    def create_token(self, call: Call) -> object:
        """POST a new token of one; the only answer with its whole text."""
        new = read_new_token(call.body)
        if "scopes" not in call.body:
            wanted = Fault("Must be given, such as tokenry_tokens:read_write", "scopes")
            new = replace(new, faults=(wanted, *new.faults))
        token, secret = self._accounts.create_token(call.origin, call.path["username"], new)
        return write_token(token, secret)


def read_new(body: Mapping[str, object]) -> tuple[str, ServiceAccountWanted]:
    """Read the body of a creation, of which both keys are needed. Raises Invalid."""
    faults = unknown_keys(body, NEW_KEYS)
    username = read_key(body, "username", str, faults)
    ceiling = read_key(body, "ceiling", str, faults)
    faults += [Fault("Must be given", key) for key in NEW_KEYS if key not in body]
    raise_faults(faults)
    return username or "", ServiceAccountWanted(username, ceiling)


def read_wanted(body: Mapping[str, object]) -> ServiceAccountWanted:
    """Read what is to change. An unknown key is a fault: its sender would believe that it had an effect."""
    faults = unknown_keys(body, KEYS)
    ceiling, disabled = read_key(body, "ceiling", str, faults), read_key(body, "disabled", bool, faults)
    return ServiceAccountWanted(ceiling=ceiling, disabled=disabled, faults=tuple(faults))


def write_service_account(user: User) -> dict[str, object]:
    """Write a service account."""
    return {
        "username": user.username,
        "ceiling": str(user.ceiling),
        "disabled": user.disabled is not None,
        "created": write_time(user.created),
    }

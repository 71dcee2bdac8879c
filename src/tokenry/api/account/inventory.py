"""The tokens of all users of an account, for its administrators."""

from collections.abc import Mapping

from tokenry.api.exports import read_format, write_export
from tokenry.api.lists import filter_header, read_list
from tokenry.api.tokens import details
from tokenry.api.tokens.details import read_selection, write_details
from tokenry.api.tokens.operations import with_reason
from tokenry.api.wire import ID_MAX, read_integer, write_page
from tokenry.domain.details import Details
from tokenry.domain.errors import Fault, Invalid, collect_faults, raise_faults
from tokenry.domain.filters import Kind
from tokenry.domain.texts import storable_faults
from tokenry.service.inventory import Inventory
from tokenry.web.requests import Call

IDS_MAX = 500
COLUMNS = (
    "id",
    "username",
    "label",
    "scopes",
    "token",
    "state",
    "created",
    "created_by",
    "expiry",
    "last_used",
    "last_used_address",
    "last_used_agent",
    "revoked",
    "revoked_by",
    "revoked_reason",
    "disabled",
    "disabled_by",
    "not_before",
    "rotates_itself_only",
    "networks",
    "requests_per_minute",
    "description",
    "metadata",
)
FILTERABLE = {**details.FILTERABLE, "username": Kind.TEXT}


class InventoryOperations:
    """`/account/tokens` and what is below it."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def list_tokens(self, call: Call) -> object:
        """GET the tokens of all users, paged, filtered and ordered."""
        (request, filter), selection = collect_faults(
            lambda: read_list(call, FILTERABLE),
            lambda: read_selection(call.parameters),
        )
        username = read_username(call.parameters)
        return write_page(
            self._inventory.list_tokens(call.actor, request, filter, selection, username), write_inventory
        )

    def export_tokens(self, call: Call) -> object:
        """GET all of them, by user and id, as CSV or as JSON Lines."""
        if filter_header(call) is not None:
            raise Invalid(Fault("Could not apply filter", "X-Filter"))
        format, selection = collect_faults(
            lambda: read_format(call.parameters), lambda: read_selection(call.parameters)
        )
        found = self._inventory.export_tokens(call.actor, selection, read_username(call.parameters))
        return write_export(format, COLUMNS, (map(write_inventory, piece) for piece in found))

    def revoke_tokens(self, call: Call) -> object:
        """POST the ids of tokens to revoke, all in one transaction."""
        ids, origin = collect_faults(lambda: read_ids(call.body), lambda: with_reason(call.origin, call.body))
        revoked = self._inventory.revoke_tokens(origin, ids)
        return {"data": [{"id": token_id, "revoked": did} for token_id, did in revoked]}

    def disable_tokens(self, call: Call) -> object:
        """POST the ids of tokens to disable, all in one transaction."""
        return self._turn(call, disabled=True)

    def enable_tokens(self, call: Call) -> object:
        """POST the ids of tokens to enable again, all in one transaction."""
        return self._turn(call, disabled=False)

    def _turn(self, call: Call, *, disabled: bool) -> object:
        turned = self._inventory.turn_tokens(call.origin, read_ids(call.body), disabled=disabled)
        name = "disabled" if disabled else "enabled"
        return {"data": [{"id": token_id, name: did} for token_id, did in turned]}


def write_inventory(found: Details) -> dict[str, object]:
    """Write a token of somebody's: its details, and whose it is."""
    return {**write_details(found), "username": found.username}


def read_username(parameters: Mapping[str, str]) -> str | None:
    """Read whose tokens a list is of; None for everybody's. Raises Invalid."""
    username = parameters.get("username")
    raise_faults(storable_faults(username or "", "username"))
    return username


def read_ids(body: Mapping[str, object]) -> list[int]:
    """Read the ids of tokens, each once. Raises Invalid with every fault."""
    ids = body.get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= IDS_MAX:
        raise Invalid(Fault(f"Must be a list of 1-{IDS_MAX} ids", "ids"))
    numbers = [read_integer(value) or 0 for value in ids]
    wrong = [index for index, number in enumerate(numbers) if not 1 <= number <= ID_MAX]
    raise_faults(Fault("Must be the id of a token", f"ids[{index}]") for index in wrong)
    return list(dict.fromkeys(numbers))

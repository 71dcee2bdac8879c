"""What the wire format lacks, on paths of its own: clients of the format never meet a field they do not know."""

from collections.abc import Mapping

from tokenry.api.lists import read_list
from tokenry.api.metadata import read_new_metadata
from tokenry.api.tokens import operations
from tokenry.api.tokens.operations import Whose, own, read_token_id
from tokenry.api.wire import WRONG_TIME, read_requests_per_minute, read_time, write_page, write_time, write_token
from tokenry.domain.details import STATES, Details, NewDetails, Selection, State, description_faults
from tokenry.domain.errors import Fault, collect_faults, raise_faults
from tokenry.domain.filters import Kind
from tokenry.domain.metadata import read_metadata
from tokenry.domain.networks import NETWORKS_MAX, Network, read_network
from tokenry.service.details import TokenDetails
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call

FILTERABLE = {**operations.FILTERABLE, "last_used": Kind.TIME, "metadata": Kind.METADATA}
MOMENTS = ("last_used_before", "last_used_after", "expires_before", "expires_after")


class DetailsOperations:
    """`/profile/tokens/details` and `/profile/tokens/{token_id}/details`; the same for a user whom somebody manages."""

    def __init__(self, details: TokenDetails, whose: Whose = own) -> None:
        self._details = details
        self._whose = whose

    def list_details(self, call: Call) -> object:
        """GET tokens, live or not, with everything known of them; paged, filtered and ordered."""
        (request, filter), selection = collect_faults(
            lambda: read_list(call, FILTERABLE),
            lambda: read_selection(call.parameters),
        )
        owner_id = self._whose(call).owner_id
        return write_page(self._details.list_details(owner_id, request, filter, selection), write_details)

    def get_details(self, call: Call) -> object:
        """GET everything known of one token, live or not."""
        return write_details(self._details.get_details(self._whose(call).owner_id, read_token_id(call)))

    def update_details(self, call: Call) -> object:
        """PUT another description, other networks, limit or metadata, disabled or not; what is left out stays."""
        token_id = read_token_id(call)
        return write_details(self._details.update_details(self._whose(call), token_id, read_new_details(call.body)))


def write_details(details: Details) -> dict[str, object]:
    """Write a token's details: the token's own keys first. What never happened is null."""
    use, revocation, disabling = details.last_use, details.revocation, details.disabled
    return {
        **write_token(details.token),
        "state": details.state.value,
        "description": details.description,
        "networks": None if details.networks is None else [str(network) for network in details.networks],
        "requests_per_minute": details.requests_per_minute,
        "created_by": details.created_by,
        "last_used": None if use is None else write_time(use.at),
        "last_used_address": None if use is None else use.address,
        "last_used_agent": None if use is None else use.agent,
        "revoked": None if revocation is None else write_time(revocation.at),
        "revoked_by": None if revocation is None else revocation.by,
        "revoked_reason": None if revocation is None else revocation.reason,
        "disabled": disabling is not None,
        "disabled_by": None if disabling is None else disabling.by,
        "not_before": None if details.not_before is None else write_time(details.not_before),
        "metadata": read_metadata(details.metadata),
        "rotates_itself_only": details.rotates_itself_only,
    }


def read_selection(parameters: Mapping[str, str]) -> Selection:
    """Read which tokens a list is of; other parameters are ignored. Raises Invalid with every fault."""
    faults: list[Fault] = []
    state = parameters.get("state", State.ACTIVE.value)
    if state not in STATES:
        faults.append(Fault(f"Must be one of {', '.join(STATES)}", "state"))
    moments = {name: read_time(parameters[name]) for name in MOMENTS if name in parameters}
    faults += [Fault(WRONG_TIME, name) for name, moment in moments.items() if moment is None]
    raise_faults(faults)
    return Selection(STATES[state], **moments)


def read_new_details(body: Mapping[str, object]) -> NewDetails:
    """Read the body of an update; every other key is ignored. Raises Invalid with every fault."""
    faults: list[Fault] = []
    description = body.get("description", "")
    if isinstance(description, str):
        faults += description_faults(description)
    else:
        faults.append(Fault("Must be a string", "description"))
    networks = _read_networks(body.get("networks", []), faults)
    limit = read_requests_per_minute(body, faults) if "requests_per_minute" in body else None
    disabled = read_key(body, "disabled", bool, faults)
    metadata = read_new_metadata(body, faults)
    raise_faults(faults)
    return NewDetails(
        description=str(description) if "description" in body else None,
        networks=networks if "networks" in body else None,
        requests_per_minute=limit,
        disabled=disabled,
        metadata=metadata,
    )


def _read_networks(value: object, faults: list[Fault]) -> tuple[Network, ...]:
    """A network that is there twice counts once."""
    if not isinstance(value, list):
        faults.append(Fault("Must be a list of networks", "networks"))
        return ()
    if len(value) > NETWORKS_MAX:
        faults.append(Fault(f"Must be at most {NETWORKS_MAX} networks", "networks"))
        return ()
    networks: dict[Network, None] = {}
    for index, text in enumerate(value):
        network = read_network(text) if isinstance(text, str) else None
        if network is None:
            faults.append(Fault("Must be an address or a network such as 203.0.113.0/24", f"networks[{index}]"))
        else:
            networks[network] = None
    return tuple(networks)

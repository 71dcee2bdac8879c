"""The operations of an administrator on the OAuth clients of the account."""

from tokenry.api.lists import read_list
from tokenry.api.wire import write_page
from tokenry.api.wire_clients import read_client, read_client_details, write_client, write_client_details
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Invalid, NotFound
from tokenry.domain.filters import Kind
from tokenry.service.oauth_clients import AccountClients
from tokenry.web.requests import Call

FILTERABLE = {"id": Kind.TEXT, "label": Kind.TEXT, "public": Kind.TRUTH, "status": Kind.TEXT}


class ClientOperations:
    """`/account/oauth-clients` and what is below it."""

    def __init__(self, clients: AccountClients, catalogue: Catalogue) -> None:
        self._clients = clients
        self._catalogue = catalogue

    def list_clients(self, call: Call) -> object:
        """GET the account's clients, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._clients.list_clients(call.actor, request, filter), write_client)

    def create_client(self, call: Call) -> object:
        """POST a new client; its secret is shown in this answer, and in no other."""
        return write_client(*self._clients.create_client(call.origin, read_client(call.body)))

    def get_client(self, call: Call) -> object:
        """GET one client."""
        return write_client(self._clients.get_client(call.actor, call.path["client_id"]))

    def update_client(self, call: Call) -> object:
        """PUT another label or address, or make it public or confidential; what is left out stays as it is."""
        return write_client(self._clients.update_client(call.origin, call.path["client_id"], read_client(call.body)))

    def delete_client(self, call: Call) -> object:
        """DELETE a client; from this answer on all tokens that it was given are refused everywhere."""
        self._clients.delete_client(call.origin, call.path["client_id"])
        return {}

    def reset_secret(self, call: Call) -> object:
        """POST for another secret; the one before proves nothing from this answer on."""
        return write_client(*self._clients.reset_secret(call.origin, call.path["client_id"]))

    def get_details(self, call: Call) -> object:
        """GET everything known of a client."""
        return write_client_details(self._clients.get_client(call.actor, call.path["client_id"]))

    def update_details(self, call: Call) -> object:
        """PUT what the wire format has no field for; a key that is left out leaves things as they are."""
        wanted = read_client_details(call.body, self._catalogue)
        return write_client_details(self._clients.update_client(call.origin, call.path["client_id"], wanted))

    def get_thumbnail(self, call: Call) -> object:
        """GET a client's picture, of which there is none."""
        self._clients.get_client(call.actor, call.path["client_id"])
        raise NotFound

    def set_thumbnail(self, call: Call) -> object:
        """PUT a picture, which is not kept."""
        self._clients.get_client(call.actor, call.path["client_id"])
        raise Invalid(Fault("This service keeps no thumbnails"))

"""The OAuth clients of an account."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Authentication, Client, ClientChange
from tokenry.domain.errors import AlreadyMade, Fault, Invalid
from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import EVERYTHING
from tokenry.pages.console.admin.places import CLIENTS
from tokenry.pages.console.admin.questions import DELETE_CLIENT, RESET_CLIENT, Question
from tokenry.pages.console.admin.shown import SECRET_OF, show_admin, show_question
from tokenry.pages.console.lists import Asked
from tokenry.pages.console.matrix import Matrix
from tokenry.pages.console.scope_choice import ScopeChoice
from tokenry.pages.fields import Form
from tokenry.pages.once import faults_of, form_request, tell_made
from tokenry.pages.paths import ADMIN
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.service.installation import Installation

NEW = f"{ADMIN}/new-client"
FIELDS = frozenset({"label"})
GRANTS: Mapping[GrantType, str] = {
    GrantType.AUTHORIZATION_CODE: "Users let it in with a browser",
    GrantType.REFRESH_TOKEN: "It stays let in, and gets new tokens by itself",
    GrantType.DEVICE_CODE: "Users let it in from another device",
    GrantType.CLIENT_CREDENTIALS: "It acts for itself, without a user",
    GrantType.TOKEN_EXCHANGE: "It exchanges tokens of users for narrower ones",
    GrantType.IMPLICIT: "It gets tokens in an address, as old clients do",
}
"""How a client gets tokens, in words."""
SWITCHES: Mapping[str, str] = {
    "pkce_required": "It has to prove that the code is its own (PKCE)",
    "par_required": "It has to leave its requests before (PAR)",
    "dpop_required": "Its tokens are bound to a key of its own (DPoP)",
    "narrowing": "Users may give it less than it asks for",
}


class ClientPages:
    """`/console/admin/clients`, what is below it, and `/console/admin/new-client`."""

    def __init__(self, installation: Installation) -> None:
        self._clients = installation.account_clients
        self._catalogue = installation.catalogue
        self._offer = Matrix.within(installation.catalogue, EVERYTHING)

    def show_list(self, visit: Visit) -> Reply:
        """GET the clients, those whose name or id has a text in it, or all."""
        asked = Asked.read(visit, CLIENTS.path, fields=FIELDS, choices=())
        filter = asked.filter(within=("label",), equal=("id",))
        page = self._clients.list_clients(visit.signed_in.actor, asked.request, filter)
        return show_admin(CLIENTS, "clients", asked=asked, page=page)

    def show_new(self, visit: Visit) -> Reply:
        """GET the form of a new client."""
        require_recent(visit)
        return show_admin(CLIENTS, "new_client", label="", redirect_uri="", public=False)

    def create(self, visit: Visit) -> Reply:
        """POST a new client; its secret is shown in this answer alone."""
        wanted: dict[str, Any] = {name: visit.form.get(name).strip() for name in ("label", "redirect_uri")}
        wanted["public"] = visit.form.ticked("public")
        try:
            client, secret = self._clients.create_client(visit.origin, ClientChange(wanted), form_request(visit))
        except AlreadyMade as made:
            return tell_made(path_of(str(made.id)))
        except Invalid as refusal:
            return show_admin(CLIENTS, "new_client", 400, faults=faults_of(refusal), **wanted)
        own = path_of(client.client_id)
        if secret is None:
            return Redirect(own, flash="client-made")
        return show_admin(CLIENTS, "secret", title=SECRET_OF, name=client.label, secret=secret, back=own)

    def show_one(self, visit: Visit) -> Reply:
        """GET everything known of a client."""
        return show_admin(CLIENTS, "client", client=self._get(visit), grants=GRANTS, switches=SWITCHES)

    def show_change(self, visit: Visit) -> Reply:
        """GET the form to change a client."""
        require_recent(visit)
        client = self._get(visit)
        return self._show_form(client, client, ScopeChoice.of(str(client.rights.scopes), self._offer))

    def change(self, visit: Visit) -> Reply:
        """POST how a client is to be."""
        client = self._get(visit)
        chosen = ScopeChoice.read(visit.form)
        wanted = read_client(visit.form, chosen.text(self._offer), self._catalogue)
        try:
            self._clients.update_client(visit.origin, client.client_id, wanted)
        except Invalid as refusal:
            return self._show_form(client, wanted.applied_to(client), chosen, refusal.faults)
        return Redirect(path_of(client.client_id), flash="client-changed")

    def show_reset(self, visit: Visit) -> Reply:
        """GET the question whether to make another secret."""
        return self._ask(visit, RESET_CLIENT, "reset")

    def reset(self, visit: Visit) -> Reply:
        """POST for another secret, which is shown in this answer alone."""
        client = self._get(visit)
        own = path_of(client.client_id)
        try:
            _, secret = self._clients.reset_secret(visit.origin, client.client_id, form_request(visit))
        except AlreadyMade:
            return tell_made(own)
        except Invalid as refusal:
            return self._ask(visit, RESET_CLIENT, "reset", *(Fault(fault.reason) for fault in faults_of(refusal)))
        return show_admin(CLIENTS, "secret", title=SECRET_OF, name=client.label, secret=secret, back=own)

    def show_delete(self, visit: Visit) -> Reply:
        """GET the question whether to delete a client."""
        return self._ask(visit, DELETE_CLIENT, "delete")

    def delete(self, visit: Visit) -> Reply:
        """POST that a client is deleted, with its name typed."""
        client = self._get(visit)
        if faults := DELETE_CLIENT.faults(visit, client.label):
            return self._ask(visit, DELETE_CLIENT, "delete", *faults)
        self._clients.delete_client(visit.origin, client.client_id)
        return Redirect(CLIENTS.path, flash="client-deleted")

    def _ask(self, visit: Visit, question: Question, action: str, *faults: Fault) -> Reply:
        require_recent(visit)
        client = self._get(visit)
        own = path_of(client.client_id)
        return show_question(CLIENTS, question, client.label, action=f"{own}/{action}", back=own, faults=faults)

    def _show_form(self, client: Client, shown: Client, chosen: ScopeChoice, faults: Sequence[Fault] = ()) -> Reply:
        own = path_of(client.client_id)
        return show_admin(
            CLIENTS,
            "change_client",
            400 if faults else 200,
            faults=faults,
            client=client,
            shown=shown,
            matrix=self._offer,
            chosen=chosen,
            grants=GRANTS,
            switches=SWITCHES,
            authentications=tuple(Authentication),
            action=f"{own}/change",
            back=own,
        )

    def _get(self, visit: Visit) -> Client:
        return self._clients.get_client(visit.signed_in.actor, visit.path["client_id"])


def path_of(client_id: str) -> str:
    """The page of a client."""
    return f"{CLIENTS.path}/{quote(client_id, safe='')}"


def read_client(form: Form, scopes: str, catalogue: Catalogue) -> ClientChange:
    """Read how a client is to be from a form, and its scopes."""
    settings: dict[str, Any] = {name: form.get(name).strip() for name in ("label", "website")}
    faults: list[Fault] = []
    settings["redirect_uris"] = tuple(dict.fromkeys(form.get("redirect_uris").split()))
    settings["grant_types"] = frozenset(kind for kind in GrantType if kind in form.boxes("grant_types"))
    settings.update({name: form.ticked(name) for name in SWITCHES})
    if (authentication := form.get("authentication")) in set(Authentication):
        settings["authentication"] = Authentication(authentication)
    faults += (unknown := catalogue.faults(scopes))
    if not unknown:
        settings["scopes"] = catalogue.read(scopes)
    return ClientChange(settings, tuple(faults))

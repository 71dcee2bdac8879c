"""The OAuth client that every installation has: the command line's own, by which `tokenry login` signs in."""

from contextlib import suppress
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import NO_CLIENT, ClientChange
from tokenry.domain.events import ClientCreated
from tokenry.domain.oauth import GrantType
from tokenry.service.transactions import Transactions
from tokenry.storage import oauth_clients as stored

COMMAND_LINE_ID = "746f6b656e7279636c69"
"""Says `tokenrycli`, in hexadecimal digits, as ids of clients are written."""
COMMAND_LINE = ClientChange(
    {
        "label": "tokenry command line",
        "redirect_uris": ("http://127.0.0.1",),
        "public": True,
        "verified": True,
        "grant_types": frozenset({GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE}),
    }
)


def register_command_line(transactions: Transactions) -> bool:
    """Register it, unless it was before; whether that was done. One that was deleted or disabled since stays so."""
    with suppress(IntegrityError), transactions.change(Origin("first start")) as change:
        if stored.was_registered(change.connection, COMMAND_LINE_ID):
            return False
        draft = replace(COMMAND_LINE.applied_to(NO_CLIENT), client_id=COMMAND_LINE_ID, created=change.now)
        client = stored.insert_client(change.connection, draft, created_by=change.origin.name)
        change.record(ClientCreated(client.id, client.client_id, client.label, client.redirect_uris))
        return True
    return False  # somebody else has, meanwhile

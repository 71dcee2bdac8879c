"""Tokens as rows: their columns, and their values as JSON has them."""

from tokenry.cli.output import Row, write_time
from tokenry.client import Details, TokenRecord

TOKEN = ("id", "label", "scopes", "created", "expiry", "token")
DETAILS = (
    *TOKEN,
    "state",
    "description",
    "networks",
    "created_by",
    "last_used",
    "last_used_address",
    "last_used_agent",
    "revoked",
    "revoked_by",
)
DETAILS_SHOWN = ("id", "label", "scopes", "expiry", "state", "last_used", "last_used_address")
"""Those that a list shows where they stand side by side."""


def write_token(token: TokenRecord) -> Row:
    """A token, with its whole text if that is there."""
    return {
        "id": token.id,
        "label": token.label,
        "scopes": " ".join(token.scopes),
        "created": write_time(token.created),
        "expiry": write_time(token.expiry),
        "token": token.preview if token.secret is None else token.secret.reveal(),
    }


def write_details(details: Details) -> Row:
    """A token with everything that is known of it."""
    return {
        **write_token(details),
        "state": details.state,
        "description": details.description,
        "networks": None if details.networks is None else [str(network) for network in details.networks],
        "created_by": details.created_by,
        "last_used": write_time(details.last_used),
        "last_used_address": details.last_used_address,
        "last_used_agent": details.last_used_agent,
        "revoked": write_time(details.revoked),
        "revoked_by": details.revoked_by,
    }

"""Tokens and users as rows: their columns, and their values as JSON has them."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime

from tokenry.cli.output import Row, write_time
from tokenry.client import AuditEvent, Details, PageToken, Scope, TokenRecord, User

TOKEN = ("id", "label", "scopes", "created", "expiry", "token")
_KNOWN = tuple(field.name for field in fields(Details) if field.name not in TokenRecord.__dataclass_fields__)
DETAILS = (*TOKEN, *_KNOWN)
DETAILS_SHOWN = ("id", "label", "scopes", "expiry", "state", "last_used", "last_used_address")
"""Those that a list shows where they stand side by side."""
PAGE_TOKEN = ("token", "expiry")
USER = tuple(field.name for field in fields(User))
AUDIT_EVENT = tuple(field.name for field in fields(AuditEvent))
SPARE_OF_USER = ("metadata", "created")
SPARE_OF_AUDIT_EVENT = ("details", "token_id", "address")
"""Those that a list does without where there is no room for all."""
SCOPE = tuple(field.name for field in fields(Scope))
SCOPE_SHOWN = ("scope", "title", "implies", "instances")
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


def write_user(user: User) -> Row:
    """A user of a product."""
    return {**asdict(user), "created": write_time(user.created), "metadata": dict(user.metadata)}


def write_page_token(made: PageToken) -> Row:
    """A page token, with its text."""
    return {"token": made.secret.reveal(), "expiry": write_time(made.expiry)}


def write_audit_event(event: AuditEvent) -> Row:
    """Something that was done."""
    return {**asdict(event), "at": write_time(event.at), "details": dict(event.details)}


def write_scope(scope: Scope) -> Row:
    """A scope that tokens may have."""
    return {**asdict(scope), "implies": list(scope.implies)}


def write_details(details: Details) -> Row:
    """A token with everything that is known of it."""
    return {**write_token(details), **{name: _write(getattr(details, name)) for name in _KNOWN}}


def _write(value: object) -> object:
    """A value of the client's as JSON has it: a moment as text, several things as a list of texts."""
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, Mapping):
        return dict(value)
    return [str(each) for each in value] if isinstance(value, tuple) else value

"""What is known of a token is listed once on each side. None of the lists may forget what another one has."""

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from docs.commands import list_commands
from tokenry.api.account.inventory import COLUMNS, write_inventory
from tokenry.api.tokens.details import FILTERABLE, write_details
from tokenry.cli.rows import DETAILS
from tokenry.client import Client
from tokenry.client import Details as ClientDetails
from tokenry.client.tokens import Changes
from tokenry.domain.details import Details, NewDetails, State
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.tokens import NEVER, Token
from tokenry.storage.details import DETAILS_COLUMNS

KNOWN = Details(
    token=Token(
        id=1,
        user_id=1,
        label="laptop",
        scopes=EVERYTHING,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        expiry=NEVER,
        preview="pat_laptop000000",
    ),
    username="ada",
    state=State.ACTIVE,
    description="",
    networks=(),
    requests_per_minute=0,
    created_by=None,
    last_use=None,
    revocation=None,
)


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def test_what_can_be_set_is_part_of_what_is_known() -> None:
    assert names(NewDetails) <= names(Details)
    assert names(NewDetails) <= write_details(KNOWN).keys()


def test_client_knows_all_that_the_service_tells() -> None:
    told = write_details(KNOWN).keys() - {"token"}
    assert names(ClientDetails) - {"preview", "secret"} == told
    assert set(DETAILS) == {*told, "token"}


def test_client_and_command_change_all_that_can_be_set() -> None:
    assert Changes.__annotations__.keys() == names(NewDetails)
    command = dict(list_commands())["tokenry token update"]
    options = names(NewDetails) - {"disabled"}
    assert {name.removesuffix("s") for name in options} <= {each.name for each in command.params}
    assert {"tokenry token disable", "tokenry token enable"} <= dict(list_commands()).keys()


def test_export_has_all_that_is_told() -> None:
    assert set(COLUMNS) == write_inventory(KNOWN).keys()


def test_all_that_can_be_filtered_has_a_column() -> None:
    in_the_console = {"preview"}
    assert FILTERABLE.keys() | in_the_console == DETAILS_COLUMNS.keys()


def test_what_cannot_be_changed_is_refused_by_name() -> None:
    with Client("http://127.0.0.1:1", "pat_" + "x" * 50) as client, pytest.raises(TypeError, match="no colour"):
        client.tokens.update(1, colour="red")  # type: ignore[call-arg]

"""Orders are total: whatever a list is ordered by, rows that compare equal follow the direction too, page by page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.conftest import App
from tokenry.description.openapi import read_description, resolve
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import ClientChange
from tokenry.domain.tokens import NewToken
from tokenry.storage.accounts import create_account, find_first_account
from tokenry.storage.uses import Use, record_uses
from tokenry.wiring import open_installation

ORIGIN = Origin("test")
FIRST_TOKEN = 1
EQUALS = 13
"""So many rows of a list are made in one second and are equal in everything; as many follow that differ a little."""
NOTHING_THERE = (
    "/profile/logins",
    "/profile/devices",
    "/profile/apps",
    "/regions",
    "/linode/types",
    "/images",
)


@dataclass(frozen=True)
class Ordered:
    """A list, a field that it can be ordered by, and what names its rows."""

    path: str
    field: str


def find_ordered() -> Iterator[Ordered]:
    """Every such pair that the description has."""
    for path, item in read_description()["paths"].items():
        parameters = [resolve(part) for part in item.get("get", {}).get("parameters", [])]
        for filter in (part for part in parameters if part["name"] == "X-Filter"):
            schema = resolve(filter["schema"]["contentSchema"])
            for field in schema["properties"].get("+order_by", {"enum": ()})["enum"]:  # files have no order
                yield Ordered(path.replace("{apiVersion}", "v4"), field)


MANAGED = "/v4/tokenry/"
"""Below this, lists of a product's users and their tokens, by the statements of the others."""
ORDERED = [each for each in find_ordered() if not each.path.endswith(NOTHING_THERE) and MANAGED not in each.path]
PATHS = sorted({ordered.path for ordered in ORDERED})


def fill(app: App) -> None:
    """Tokens, users, clients and child accounts; of each half are equal but for their names and ids."""
    installation = open_installation(app.settings, app.clock)
    with installation.database.write() as connection:
        parent = find_first_account(connection)
        assert parent is not None
        for number in range(2 * EQUALS):
            create_account(
                connection,
                euuid=f"{number:08}-0000-0000-{number:016}",
                company="Same" if number < EQUALS else f"Child {number % 3}",
                created=parent.created,
                parent_id=parent.id,
            )
    for number in range(2 * EQUALS):
        installation.users.create_user(ORIGIN, username=f"user{number * 7 % 26:02}")
    for number in range(2 * EQUALS):
        app.clock.seconds += number >= EQUALS
        new = NewToken(label="same" if number < EQUALS else f"token {number % 3}")
        installation.tokens.create_token_for(ORIGIN, "admin", new)
    for number in range(2 * EQUALS):
        label = "same" if number < EQUALS else f"client {number % 3}"
        change = ClientChange({"label": label, "redirect_uri": "https://app.example/"})
        installation.clients.create_client(ORIGIN, change, account=parent.euuid)
    with installation.database.write() as connection:  # of the walks: when it is noted is no matter then
        record_uses(connection, [Use(FIRST_TOKEN, app.token[:16], int(app.clock.seconds), "testclient", "testclient")])
    installation.database.close()


def walk(app: App, path: str, order: dict[str, str]) -> list[Any]:
    """All rows of a list, page by page."""
    rows: list[Any] = []
    headers = {**app.bearer, "X-Filter": json.dumps(order)}
    while True:
        query = f"?page={len(rows) // 25 + 1}&page_size=25"
        page = app.client.get(path + query, headers=headers).json()
        rows += page["data"]
        if page["page"] >= page["pages"]:
            assert len(rows) == page["results"]
            return rows


def test_every_list_that_holds_something_is_tried() -> None:
    assert PATHS == [
        "/v4/account/child-accounts",
        "/v4/account/oauth-clients",
        "/v4/account/tokens",
        "/v4/account/users",
        "/v4/iam/delegation/profile/child-accounts",
        "/v4/profile/tokens",
        "/v4/profile/tokens/details",
    ]


def test_descending_order_is_the_ascending_one_turned_round(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    fill(app)
    for ordered in ORDERED:
        ascending, descending = (
            walk(app, ordered.path, {"+order_by": ordered.field, "+order": order}) for order in ("asc", "desc")
        )
        assert len(ascending) > 25, ordered
        assert descending == list(reversed(ascending)), ordered
        values = [row[ordered.field] or "" for row in ascending]
        assert values == sorted(values), ordered
        assert ordered.field in {"id", "username"} or len(set(values)) < len(values), "nothing compares equal"
        assert walk(app, ordered.path, {"+order_by": ordered.field}) == ascending, ordered


def test_token_just_made_is_the_newest_of_its_second(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    for _ in range(30):
        made = app.client.post("/v4/profile/tokens", headers=app.bearer, json={}).json()
    headers = {**app.bearer, "X-Filter": json.dumps({"+order_by": "created", "+order": "desc"})}
    for path in ("/v4/profile/tokens", "/v4/profile/tokens/details", "/v4/account/tokens"):
        page = app.client.get(f"{path}?page_size=25", headers=headers).json()
        assert page["data"][0]["id"] == made["id"]

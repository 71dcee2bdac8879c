"""What came from grants is deleted some time after it ended: nothing grows for ever, and the audit stays."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Table, func, insert, select, update

from tests.making import NOW, OPERATOR
from tests.oauth_making import add_client, give
from tests.service.parts import Bench
from tokenry.domain.clients import ClientChange
from tokenry.domain.errors import Invalid
from tokenry.domain.secrets import Peppers
from tokenry.service.grants.ending import end_app, end_grant
from tokenry.service.oauth_clients import FORGOTTEN_AFTER, Clients
from tokenry.service.pruning import Pruning
from tokenry.service.transactions import Transactions
from tokenry.storage import schema
from tokenry.storage.database import DELETED_MAX, Database, to_seconds
from tokenry.storage.pruning import KEPT_SECONDS
from tokenry.storage.schema import oauth
from tokenry.storage.uses import Use, record_uses

PEPPERS = Peppers((bytes(32),))
KEPT = timedelta(seconds=KEPT_SECONDS)
YEARS = timedelta(days=800)
OF_GRANTS = [
    *(table for table in vars(oauth).values() if isinstance(table, Table) and table is not oauth.oauth_clients),
    schema.token_uses,
]
"""Tables that only what came from clients is in, here."""


def prune(database: Database, now: datetime) -> int:
    with database.write() as connection:
        connection.execute(update(schema.jobs).values(claimed_at=0))
    return Pruning(Transactions(database, lambda: now)).prune()


def count(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def leave_something_everywhere(bench: Bench) -> None:
    """Let clients in, and leave what they can leave."""
    client = add_client(bench.database)
    issued = [give(bench.transactions, PEPPERS, client) for _ in range(3)]
    with bench.database.write() as connection:
        opening = schema.credentials.c.preview.in_([each.access.preview for each in issued])
        token_ids = connection.execute(select(schema.credentials.c.token_id).where(opening)).scalars().all()
        record_uses(connection, [Use(id, "", to_seconds(NOW), None, None) for id in token_ids])
        common = {"digest": bytes(32), "pepper_generation": 1, "created_at": to_seconds(NOW)}
        expiry = {"expires_at": to_seconds(NOW) + 60}
        grant = issued[0].grant
        code = {"preview": "oac_code", "app_id": grant.app_id, "scopes": "*", "grant_id": grant.id}
        device = {"preview": "odc_code", "user_code": "ABCD", "oauth_client_id": client.id, "scopes": "*"}
        agreed = {"interval_seconds": 5, "app_id": grant.app_id}
        pushed = {"preview": "opr_it", "oauth_client_id": client.id, "parameters": "{}"}
        connection.execute(insert(oauth.authorization_codes).values(**common, **expiry, **code))
        connection.execute(insert(oauth.device_codes).values(**common, **expiry, **device, **agreed))
        connection.execute(insert(oauth.pushed_requests).values(**common, **expiry, **pushed))
        connection.execute(insert(oauth.seen_assertions).values(digest=bytes(32), **expiry))
    with bench.transactions.change(OPERATOR) as change:
        assert end_grant(change, issued[1].grant.id)


def test_deleted_client_is_forgotten_when_nothing_refers_to_it(bench: Bench) -> None:
    clients = Clients(bench.transactions, PEPPERS)
    made = ClientChange({"label": "App", "redirect_uri": "https://app.example/callback"})
    client, _ = clients.create_client(OPERATOR, made)
    give(bench.transactions, PEPPERS, client)
    clients.delete_client(OPERATOR, client.client_id)
    left = [count(bench.database, oauth.oauth_clients)]
    with bench.database.write() as connection:  # an app that was not pruned in time, for whatever reason
        connection.execute(update(oauth.apps).values(ended_at=to_seconds(NOW + YEARS)))
    for after in (FORGOTTEN_AFTER - timedelta(seconds=1), FORGOTTEN_AFTER, YEARS, YEARS + KEPT):
        prune(bench.database, NOW + after)
        left.append(count(bench.database, oauth.oauth_clients))
    assert left == [1, 1, 1, 1, 0]


def test_id_that_somebody_chose_stays_taken(bench: Bench) -> None:
    clients = Clients(bench.transactions, PEPPERS)
    made = ClientChange({"label": "App", "redirect_uri": "https://app.example/callback"})
    clients.create_client(OPERATOR, made, client_id="app")
    clients.delete_client(OPERATOR, "app")
    prune(bench.database, NOW + YEARS)
    with pytest.raises(Invalid):
        clients.create_client(OPERATOR, made, client_id="app")


def test_nothing_of_clients_is_left_in_the_end(bench: Bench) -> None:
    before = {table.name: count(bench.database, table) for table in (schema.tokens, schema.credentials)}
    leave_something_everywhere(bench)
    assert [table.name for table in OF_GRANTS if count(bench.database, table) == 0] == []
    events = count(bench.database, schema.audit_events)
    prune(bench.database, NOW + YEARS)
    left = {table.name: count(bench.database, table) for table in OF_GRANTS}
    assert left == {**dict.fromkeys(left, 0), "apps": 1}  # a consent is kept until somebody ends it
    with bench.transactions.change(OPERATOR) as change:
        assert end_app(change, 1)
    prune(bench.database, NOW + KEPT - timedelta(seconds=1))
    assert count(bench.database, oauth.apps) == 1
    prune(bench.database, NOW + KEPT)
    assert count(bench.database, oauth.apps) == 0
    assert {table.name: count(bench.database, table) for table in (schema.tokens, schema.credentials)} == before
    assert count(bench.database, schema.audit_events) == events + 1


def test_ended_grant_goes_before_it_would_have_expired(bench: Bench) -> None:
    leave_something_everywhere(bench)
    prune(bench.database, NOW + KEPT + timedelta(hours=3))
    assert count(bench.database, oauth.oauth_grants) == 2
    assert count(bench.database, oauth.refresh_tokens) == 2


def test_what_lives_is_left(bench: Bench) -> None:
    leave_something_everywhere(bench)
    everything = {table.name: count(bench.database, table) for table in (*OF_GRANTS, schema.tokens)}
    assert prune(bench.database, NOW + timedelta(seconds=30)) == 0
    assert {table.name: count(bench.database, table) for table in (*OF_GRANTS, schema.tokens)} == everything


def test_many_go_piece_by_piece_in_one_turn(bench: Bench) -> None:
    client = add_client(bench.database)
    for _ in range(DELETED_MAX + 1):
        give(bench.transactions, PEPPERS, client)
    assert prune(bench.database, NOW + timedelta(hours=2) + KEPT) == DELETED_MAX + 1
    assert count(bench.database, schema.tokens) == 1
    assert prune(bench.database, NOW + timedelta(hours=2) + KEPT) == 0

"""What is judged of a managed user inside the transaction: between the look-up and the change things may be others."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from tests.making import OPERATOR
from tests.service.parts import PEPPERS, Bench
from tokenry.domain.accounts import Origin
from tokenry.domain.details import NewDetails
from tokenry.domain.errors import Forbidden, Invalid, NotFound, Unauthorized
from tokenry.domain.managed import UserWanted
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken
from tokenry.domain.users import UserChange
from tokenry.service.details import TokenDetails
from tokenry.service.managed import ManagedUsers
from tokenry.service.rotation import Rotations
from tokenry.storage.audit import list_events
from tokenry.storage.schema import users

READS = NewToken(scopes="linodes:read_only")
Refusal = type[Exception]


@pytest.fixture
def backend(bench: Bench) -> Origin:
    """A service account's."""
    ceiling = Scopes.parse("linodes:read_only")
    user = bench.users.create_service_account(OPERATOR, username="backend", ceiling=ceiling)
    scopes = Scopes.parse("tokenry_users:read_write tokenry_tokens:read_write")
    token, secret = bench.tokens.create_token_for(OPERATOR, "backend", NewToken(scopes=str(scopes)))
    actor = bench.actor._replace(
        user_id=user.id, username=user.username, token_id=token.id, preview=secret.preview, scopes=scopes
    )
    return Origin.of(actor)


def set_user(bench: Bench, username: str, **values: object) -> None:
    with bench.database.write() as connection:
        connection.execute(update(users).where(users.c.username == username).values(values))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda bench: set_user(bench, "ada", admin=True), Forbidden),
        (lambda bench: set_user(bench, "ada", service=True), Forbidden),
        (lambda bench: set_user(bench, "ada", external_id=None), NotFound),
        (lambda bench: bench.users.delete_user(OPERATOR, "ada"), NotFound),
        (lambda bench: set_user(bench, "backend", service=False), Forbidden),
        (lambda bench: bench.users.disable_user(OPERATOR, "backend"), Unauthorized),
        (lambda bench: bench.tokens.revoke_any_token(OPERATOR, 2), Unauthorized),
    ],
)
def test_nothing_is_done_for_a_user_whom_one_no_longer_manages(
    bench: Bench, backend: Origin, change: Callable[[Bench], object], refusal: Refusal
) -> None:
    managed = ManagedUsers(bench.transactions)
    managed.put_user(backend, "1", UserWanted(username="ada"))
    token, _ = bench.tokens.create_token_for(OPERATOR, "ada", READS)
    meant = managed.on_behalf(backend, "1")
    assert meant.managed is not None
    change(bench)
    for act in (
        lambda: bench.tokens.create_token(meant, READS),
        lambda: bench.tokens.rename_token(meant, token.id, "other"),
        lambda: bench.tokens.revoke_token(meant, token.id),
        lambda: Rotations(bench.transactions, PEPPERS).rotate_token(meant, token.id, NewRotation()),
        lambda: TokenDetails(bench.transactions).update_details(meant, token.id, NewDetails(description="other")),
    ):
        with pytest.raises(refusal):
            act()


def test_operator_links_a_user_who_is_there_to_a_products_name(bench: Bench, backend: Origin) -> None:
    managed = ManagedUsers(bench.transactions)
    bench.users.create_user(OPERATOR, username="ada")
    assert bench.users.update_user(OPERATOR, "ada", UserChange(external_id="auth0|1")).external_id == "auth0|1"
    assert backend.actor is not None
    assert managed.get_user(backend.actor, "auth0|1").username == "ada"
    with bench.database.read() as connection:
        (event,) = list_events(connection, limit=1)
    assert (event.action, event.details) == ("user.update", {"external_id": {"from": None, "to": "auth0|1"}})


@pytest.mark.parametrize(
    ("username", "external_id"), [("admin", "2"), ("backend", "2"), ("ada", "1"), ("ada", ".."), ("ada", "")]
)
def test_name_of_a_product_is_refused_where_nobody_manages_or_another_has_it(
    bench: Bench, backend: Origin, username: str, external_id: str
) -> None:
    ManagedUsers(bench.transactions).put_user(backend, "1", UserWanted(username="bob"))
    bench.users.create_user(OPERATOR, username="ada")
    with pytest.raises(Invalid) as caught:
        bench.users.update_user(OPERATOR, username, UserChange(external_id=external_id))
    assert [fault.field for fault in caught.value.faults] == ["external_id"]

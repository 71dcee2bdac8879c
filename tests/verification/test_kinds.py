"""Kinds of secrets: each opens what its table says; one more costs the others nothing but a look at it."""

import asyncio

import pytest
from sqlalchemy import select

from tests.conftest import START, Clock
from tests.making import add_token
from tests.verification.parts import ACTOR, PEPPERS, STORED, Shelf
from tokenry.cli import front
from tokenry.client.secrets import masked
from tokenry.domain.checks import Check, Circumstances, Denial
from tokenry.domain.explanation import explain
from tokenry.domain.secrets import ACCESS, KINDS, REFRESH, Keyed, Kind, Secret, mask_secrets
from tokenry.domain.tokens import NEVER
from tokenry.storage.database import Database
from tokenry.storage.rotations import insert_successor
from tokenry.storage.schema import credentials
from tokenry.storage.tokens import insert_credential
from tokenry.verification.verifier import Decision, Verifier


def decide(secret: Secret) -> tuple[Decision, list[str]]:
    """Decide on a secret that is stored; and what was looked up for it."""
    shelf = Shelf(STORED._replace(preview=secret.preview, digest=PEPPERS.digest(secret)))
    decision = asyncio.run(Verifier(shelf, PEPPERS, Clock(START)).verify(f"Bearer {secret.reveal()}"))
    return decision, shelf.asked


def test_secret_of_another_kind_that_opens_the_api_is_accepted() -> None:
    secret = Secret.generate(kind=ACCESS)
    assert secret.kind is ACCESS
    assert decide(secret) == (Decision(ACTOR._replace(preview=secret.preview)), [secret.preview])


def test_credential_has_the_name_of_its_kind_and_so_has_its_successor(database: Database) -> None:
    first, second = Secret.generate(kind=ACCESS).preview, Secret.generate(kind=ACCESS).preview
    with database.write() as connection:
        token = add_token(connection, 1)
        insert_credential(connection, Keyed(first, bytes(32), 1), token_id=token.id, expiry=NEVER)
        insert_successor(connection, Keyed(second, bytes(32), 1), beside=first)
        kinds = connection.execute(select(credentials.c.preview, credentials.c.kind))
        assert {row.preview: row.kind for row in kinds}.items() >= {
            token.preview: "pat",
            first: "access",
            second: "access",
        }.items()


def test_secret_for_something_else_is_no_token_and_is_not_looked_up() -> None:
    assert decide(Secret.generate(kind=REFRESH)) == (Decision(None, Denial.MALFORMED), [])


def test_explanation_knows_the_kinds_that_open_the_api() -> None:
    [step] = explain(Secret.generate(kind=REFRESH).reveal(), lambda preview: None, PEPPERS, Circumstances(START))
    assert (step.check, step.reason) == (Check.PREFIX, "a token begins with pat_, toat or this service's own prefix")
    steps = explain(Secret.generate(kind=ACCESS).reveal(), lambda preview: None, PEPPERS, Circumstances(START))
    assert [step.check for step in steps if not step.passed] == [Check.KNOWN]


@pytest.mark.parametrize("kind", [*KINDS.values()], ids=lambda kind: kind.name)
def test_every_kind_is_kept_out_of_texts_and_arguments(kind: Kind) -> None:
    """Client and command line have copies of the prefixes, since they import nothing of the domain."""
    secret = Secret.generate(kind=kind)
    for shown in (mask_secrets(f"a {secret.reveal()}"), masked(f"a {secret.reveal()}")):
        assert shown == f"a {secret.preview}…"
    assert front._holds_token(f"--token={secret.reveal()}")

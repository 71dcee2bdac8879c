"""`tokenry admin verify -`: is this token valid, and why? On the local database, with the service's own decision."""

import asyncio
from typing import Annotated

import typer

from tokenry.cli.running import NOT_VALID
from tokenry.cli.secrets import STANDARD_INPUT, only_standard_input, read_given_token
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.tokens import NEVER
from tokenry.operator.options import SCOPED, takes_settings
from tokenry.operator.tables import print_table
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.storage.database import from_seconds
from tokenry.verification.inspection import inspect, is_address
from tokenry.verification.verifier import Decision, KnownPresenter, Verifier
from tokenry.wiring import credentials_of, open_installation


def _address(text: str) -> str:
    if not is_address(text):
        raise typer.BadParameter("use an address such as 203.0.113.7")
    return text


@takes_settings(*SCOPED)
def verify(
    source: Annotated[
        str, typer.Argument(metavar=STANDARD_INPUT, parser=only_standard_input, help="Read it from standard input.")
    ],
    scope: Annotated[str | None, typer.Option(show_default="none", help="Scopes it has to cover.")] = None,
    address: Annotated[
        str | None, typer.Option(parser=_address, metavar="ADDRESS", help="The address it is presented from.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say step by step what was found.")] = False,
    *,
    settings: Settings,
) -> None:
    """Say whether a token is valid, whose it is and what it may do. Exit status 0 if it is accepted, 5 if not."""
    installation = open_installation(settings)
    needed = NOTHING
    if scope is not None:
        needed = installation.catalogue.require(scope)
    token = read_given_token().reveal()
    decision = asyncio.run(_decide(installation, token, needed, address))
    _print_decision(decision)
    if explain:
        steps = installation.explanations.explain_any_token(token, needed=needed, address=address)
        rows = [(step.check.value, "passed" if step.passed else "FAILED", step.reason) for step in steps]
        print_table(("check", "result", "found"), rows)
    if not decision.accepted:
        raise typer.Exit(NOT_VALID)


async def _decide(installation: Installation, token: str, needed: Scopes, address: str | None) -> Decision:
    credentials = credentials_of(installation.database)
    try:
        verifier = Verifier(credentials, installation.peppers, read_scopes=installation.catalogue.stored)
        return await inspect(verifier, token, needed, KnownPresenter(address))
    finally:
        await credentials.close()


def _print_decision(decision: Decision) -> None:
    actor = decision.actor
    if decision.denial is not None:
        print(f"not valid: {decision.denial.value}")
    elif actor is not None:
        print("valid")
        expiry = NEVER if actor.expires is None else from_seconds(actor.expires)
        print_table(("token", "user", "scopes", "expires"), [(actor.token_id, actor.username, actor.scopes, expiry)])

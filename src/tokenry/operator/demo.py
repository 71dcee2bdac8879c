"""`tokenry demo`: a service to try, on this machine, that leaves nothing behind."""

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tokenry.application import build_app
from tokenry.cli.issuing import ended_by_signals
from tokenry.cli.running import alone
from tokenry.counters.opening import open_counters
from tokenry.domain.accounts import Origin
from tokenry.domain.links import link_address
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NewToken
from tokenry.operator.program import find_program
from tokenry.operator.serve import say_ready
from tokenry.service.installation import FIRST_USERNAME, Installation
from tokenry.serving.server import base_url, listen
from tokenry.serving.server import run as run_server
from tokenry.settings import Settings, forget_variables
from tokenry.wiring import begin, open_installation, prepare

HOST = "127.0.0.1"
USERNAME = "ada"
ORIGIN = Origin("demo")
AGO_SECONDS = 40 * 24 * 3600
"""How long ago the token that has expired was made."""


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, show_default="any free one", help="Where to listen.")] = 0,
) -> None:
    """Start a service to try, with users and tokens, that leaves nothing behind.

    It heeds no other settings, and nobody reaches it from another machine.
    """
    forget_variables()
    with ended_by_signals(), TemporaryDirectory(prefix="tokenry-demo-") as folder, listen(HOST, port) as listener:
        url = base_url(listener)
        settings = Settings(data_dir=Path(folder) / "data", public_url=url)
        told = _prepare(settings, url)
        run_server(
            partial(build_app, settings, counters=open_counters(settings.rate_limit_storage)),
            [listener],
            workers=1,
            bind_workers=False,
            trusted_proxies=settings.trusted_proxies,
            log_level="warning",
            announce=lambda: print(told, flush=True),
            welcome=say_ready,
        )


def _prepare(settings: Settings, url: str) -> str:
    """Make what there is to try; what is said of it. Secrets are shown: they open nothing but this, and end with it."""
    prepare(settings)
    installation = open_installation(settings)
    earlier = open_installation(settings, lambda: time.time() - AGO_SECONDS)
    try:
        first = begin(installation, lambda _: None)
        assert first is not None
        installation.users.create_user(ORIGIN, username=USERNAME, email=f"{USERNAME}@example.com")
        tokens = {
            "expired": _issue(earlier, FIRST_USERNAME, "trial", "linodes:read_only", days=30),
            "active": _issue(installation, FIRST_USERNAME, "reports", "linodes:read_only domains:read_only", days=90),
            "revoked": _issue(installation, FIRST_USERNAME, "laptop that was lost", "*", days=365),
            "disabled": _issue(installation, FIRST_USERNAME, "robot on holiday", "linodes:read_only", days=60),
            "pending": _issue(
                installation, FIRST_USERNAME, "next week's intern", "linodes:read_only", days=60, begins=7
            ),
        }
        installation.tokens.revoke_any_token(ORIGIN, tokens["revoked"][0])
        installation.inventory.turn_any_token(ORIGIN, tokens["disabled"][0], disabled=True)
        _issue(installation, FIRST_USERNAME, "nightly backup", "volumes:read_write", days=3)
        _issue(installation, USERNAME, "ci", "linodes:read_write", days=365)
        installation.overviews.count_tokens()
        link = link_address(url, installation.links.make_link(ORIGIN, FIRST_USERNAME))
        return _say(url, first, {state: secret for state, (_, secret) in tokens.items()}, link)
    finally:
        earlier.database.close()
        installation.database.close()


def _issue(
    installation: Installation, username: str, label: str, scopes: str, *, days: int, begins: int = 0
) -> tuple[int, Secret]:
    """Issue a token for some days, which opens from so many days on."""
    now = installation.transactions.now()
    not_before = now + timedelta(days=begins) if begins else None
    new = NewToken(label=label, scopes=scopes, expiry=now + timedelta(days=days), not_before=not_before)
    token, secret = installation.tokens.create_token_for(ORIGIN, username, new)
    return token.id, secret


def _say(url: str, first: Secret, tokens: Mapping[str, Secret], link: str) -> str:
    program = find_program()
    asking = "\n".join(f"  {program} verify - <<<{secret.reveal()}    # {state}" for state, secret in tokens.items())
    return f"""
This is a demonstration: nobody reaches it from another machine, and all of it is gone when it ends.

Paste this into another terminal:

  export TOKENRY_URL={url}
  export TOKENRY_TOKEN={first.reveal()}

List the tokens of "{FIRST_USERNAME}" in every state, and everybody's; ask whether one is valid; make and revoke one:

  {program} token list --details --state all
  curl -H @<(printf 'Authorization: Bearer %s' "$TOKENRY_TOKEN") {url}/v4/account/tokens
{asking}
  {program} token create --label mine --scopes linodes:read_only --expires 1d
  {program} token revoke 3 --yes

In a browser, choose a password for "{FIRST_USERNAME}" and sign in, or read how the API is called:

  {link}
  {url}/docs"""


app = alone(demo)

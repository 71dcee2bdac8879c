"""`tokenry admin mail …`."""

from typing import Annotated

import typer

from tokenry.cli.running import group
from tokenry.operator.options import LOCAL, takes_settings
from tokenry.settings import Settings
from tokenry.wiring import open_installation

app = group(help="Mail, by which users are told in time.", no_args_is_help=True)


@app.callback()
def mail() -> None:
    """Mail, by which users are told in time."""


@app.command()
@takes_settings(*LOCAL, "smtp_url", "mail_from")
def test(
    address: Annotated[str, typer.Argument(help="Where to send it.")],
    *,
    settings: Settings,
) -> None:
    """Send a message, to try the settings."""
    open_installation(settings).mailing.send_to(address)
    print(f"A message was sent to {address}.")

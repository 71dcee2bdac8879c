"""`tokenry component`: the script for a product's settings page, or the element that loads it. It reads no setting."""

from typing import Annotated

import typer

from tokenry.cli.running import alone
from tokenry.component.script import read_script
from tokenry.domain.public_url import read_public_url


def _read_service(text: str) -> str:
    try:
        return read_public_url(text)
    except ValueError:
        raise typer.BadParameter("It has to be like https://tokens.example.com.") from None


def component(
    service: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            parser=_read_service,
            show_default="print the script itself",
            help="Print the element that loads it from the service at this address.",
        ),
    ] = None,
) -> None:
    """Print the script by which users manage their tokens in a page of yours.

    It defines the element <tokenry-tokens>. Serve it from your own pages, or have them load it from tokenry.
    """
    script = read_script()
    print(script.body.decode(), end="") if service is None else print(script.write_element(service))


app = alone(component)

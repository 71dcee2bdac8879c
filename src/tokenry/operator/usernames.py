"""What commands have in common that give a user a name: an operator may give one that is reserved."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from tokenry.cli.running import complain
from tokenry.domain.errors import Fault, Invalid, UsernameReserved
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.wiring import open_installation

ReuseName = Annotated[
    bool, typer.Option("--reuse-name", help="Allow a name that is still reserved for its former user.")
]


@contextmanager
def naming_users(settings: Settings, *, reuse: bool) -> Iterator[Installation]:
    """Open the installation for a command that names a user. A refusal of a reserved name says what to do about it."""
    try:
        yield open_installation(settings.model_copy(update={"username_reservation_days": 0}) if reuse else settings)
    except UsernameReserved as refusal:
        words = f"{refusal}, or use --reuse-name if no other system still knows its former user by it"
        raise Invalid(Fault(words, refusal.faults[0].field)) from None


def complain_of_ambiguous(names: Sequence[str]) -> None:
    """Say that there are users whose names are an older user's in another case, if there are any."""
    if names:
        complain(f"Usernames that differ from an older one by case only: {len(names)}. `tokenry doctor` lists them.")

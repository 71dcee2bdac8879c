"""tokenry's command line in a process that dies, by a signal that nothing can handle, before its DIES_AT-th effect.

An effect is what others can see: a request, a change of a journal or of a login, a command that is run. The last one
that a run may die before is its end.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from tokenry.cli import access, rotation
from tokenry.cli import main as run
from tokenry.cli.journal import RotationJournal
from tokenry.client.connections import HttpTransport

PROGRAM = (__file__,)


class Mortal:
    """A process that has so many effects left."""

    def __init__(self, effects: int) -> None:
        self._left = effects

    def before(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        """The same effect, before which the process may die."""

        def called(*arguments: Any, **options: Any) -> Any:
            self.live()
            return effect(*arguments, **options)

        return called

    def live(self) -> None:
        """Die, or let it be."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def main() -> None:
    """Run the command line, and die before the effect that the environment names."""
    mortal = Mortal(int(os.environ["DIES_AT"]))
    for owner, name in (
        (HttpTransport, "send"),
        (RotationJournal, "write"),
        (access, "write_contexts"),
        (rotation, "deliver"),
    ):
        setattr(owner, name, mortal.before(getattr(owner, name)))
    try:
        run()
    finally:
        mortal.live()

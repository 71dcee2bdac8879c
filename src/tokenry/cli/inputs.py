"""What a command is given on standard input, whole."""

from tokenry.cli.running import CommandError
from tokenry.cli.streams import read_some

PIECE_BYTES = 64 * 1024


def read_input(purpose: str, *, bytes_max: int) -> str:
    """All that is on standard input, without a byte order mark. Raises CommandError if it cannot be read, or is longer.

    What is no UTF-8 is replaced.
    """
    given = bytearray()
    try:
        while piece := read_some(PIECE_BYTES):
            given += piece
            if len(given) > bytes_max:
                raise CommandError(f"What is on standard input is too long for {purpose}.")
    except OSError as error:
        raise CommandError(f"Standard input cannot be read ({error.strerror}).") from None
    return given.decode("utf-8-sig", "replace")

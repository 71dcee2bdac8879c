"""`tokenry` as it is, but that no use of a token is noted: what is compared with, to see what noting costs."""

from math import inf

from tokenry.cli import main
from tokenry.verification.cache import Known
from tokenry.verification.last_used import Uses


def main_unnoted() -> None:
    """Run the program with a note-taker that never wants to hear of a token again."""

    def forget(_: Uses, known: Known, *_of_what: object) -> None:
        known.note_at = inf

    Uses.note = forget  # type: ignore[assignment, method-assign]
    main()


if __name__ == "__main__":
    main_unnoted()

"""`tokenry` as it is, but that no use of a token is noted: what is compared with, to see what noting costs."""

from tokenry.cli import main
from tokenry.verification.last_used import Uses


def main_unnoted() -> None:
    """Run the program with a note-taker that says of every token that its use is noted already."""
    Uses.interval = property(lambda _: -1, lambda _self, _value: None)  # type: ignore[assignment]
    main()


if __name__ == "__main__":
    main_unnoted()

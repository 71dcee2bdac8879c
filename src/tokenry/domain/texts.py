"""What text may be: what both database engines can store, and so also compare with."""

from tokenry.domain.errors import Fault

UNSTORABLE = "Must not contain NUL or unpaired surrogates"


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store a text: it has no NUL, and can be written as UTF-8."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def storable_faults(text: str, field: str | None = None) -> list[Fault]:
    """Say whether a text of somebody's own holds what PostgreSQL cannot store."""
    return [] if is_storable(text) else [Fault(UNSTORABLE, field)]

"""Metadata as a column: NULL for none, which costs a look-up least."""

from tokenry.domain.metadata import NO_METADATA


def to_column(text: str) -> str | None:
    """What is stored for metadata."""
    return None if text == NO_METADATA else text


def from_column(stored: str | None) -> str:
    """What was stored, as metadata."""
    return NO_METADATA if stored is None else stored

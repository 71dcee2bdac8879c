"""Metadata in bodies."""

from collections.abc import Mapping

from tokenry.domain.errors import Fault
from tokenry.domain.metadata import metadata_faults, write_metadata


def read_new_metadata(body: Mapping[str, object], faults: list[Fault]) -> str | None:
    """Read `metadata`, which takes the place of what there was; None if it is not there. What is wrong is a fault."""
    value = body.get("metadata", {})
    wrong = metadata_faults(value)
    faults += wrong
    return write_metadata(value) if "metadata" in body and not wrong and isinstance(value, dict) else None

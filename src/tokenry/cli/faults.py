"""What people are told of a fault that the service found in what they typed."""

OPTIONS = {
    "events": "--event",
    "expiry": "--expires",
    "expiry_required": "--expiry-required",
    "max_lifetime_seconds": "--max-lifetime",
    "max_tokens": "--max-tokens",
    "networks": "--network",
    "not_before": "--not-before",
    "requests_per_minute": "--requests-per-minute",
    "rotates_itself_only": "--rotates-itself-only",
    "second_factor": "--second-factor",
    "shorten_existing": "--shorten-existing",
}
"""Fields of the service that have another name than the option by which they are given."""


def say_fault(reason: str, field: str | None) -> str:
    """Say what is wrong, and with what, by the name by which somebody gave it."""
    return reason if field is None else f"{OPTIONS.get(field, field)}: {reason}"

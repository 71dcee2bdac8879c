"""Links by which somebody chooses a password, once: an invitation, or the way back after it was forgotten."""

from datetime import timedelta

from tokenry.domain.secrets import Secret

LIFETIME = timedelta(minutes=30)
LINK_PATH = "/link"


def link_address(public_url: str, secret: Secret) -> str:
    """The whole link, for whom it is made."""
    return f"{public_url}{LINK_PATH}/{secret.reveal()}"

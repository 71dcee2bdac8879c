"""What clients present: it is found by its preview, opened by its secret, and is one client's alone."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from tokenry.domain.clients import Client
from tokenry.domain.secrets import Kind, Peppers, Secret


class Kept(Protocol):
    """What is kept of something that a client can present."""

    @property
    def digest(self) -> bytes:
        """What its secret is compared with."""

    @property
    def pepper_generation(self) -> int:
        """By which pepper."""

    @property
    def oauth_client_id(self) -> int:
        """Whose it is."""


T = TypeVar("T", bound=Kept)


def find_presented(
    peppers: Peppers, client: Client, text: str, kind: Kind, find: Callable[[str], T | None]
) -> tuple[Secret, T] | None:
    """The secret that a text is, and what `find` has of its preview, if it opens that and that is this client's.

    None for everything else: a client learns nothing of what is another's.
    """
    secret = Secret.parse(text, (kind.prefix,))
    kept = None if secret is None else find(secret.preview)
    if secret is None or kept is None or not peppers.opens(secret, kept.digest, kept.pepper_generation):
        return None
    return (secret, kept) if kept.oauth_client_id == client.id else None

"""Giving a token that exists another secret."""

from dataclasses import replace

from tokenry.domain.rotation import Rotation
from tokenry.domain.secrets import Kind, Peppers, Secret
from tokenry.domain.tokens import Token
from tokenry.service.transactions import Change
from tokenry.storage import rotations
from tokenry.storage.database import to_seconds


def give_secret(change: Change, peppers: Peppers, token: Token, kind: Kind, *, beside: str) -> tuple[Token, Secret]:
    """Let a new secret open a token, beside and from where the one with this preview does; lists show the new one."""
    secret = Secret.generate(kind=kind)
    rotations.insert_successor(
        change.connection,
        peppers.key(secret),
        beside=beside,
    )
    rotations.show_newest(change.connection, token.id, secret.preview)
    return replace(token, preview=secret.preview), secret


def claim_last_rotation(change: Change, token_id: int) -> Rotation | None:
    """The token's last rotation; if its new secret is the one that acts, that is its use, written down or not."""
    if change.actor.token_id == token_id:
        rotations.activate_used(change.connection, change.actor.preview, to_seconds(change.now))
    return rotations.claim_rotation(change.connection, token_id)

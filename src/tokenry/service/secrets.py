"""Giving a token that exists another secret."""

from dataclasses import replace

from sqlalchemy import Connection

from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.tokens import Token
from tokenry.storage import rotations


def give_secret(connection: Connection, peppers: Peppers, token: Token, *, beside: str) -> tuple[Token, Secret]:
    """Let a new secret open a token, beside and from where the one with this preview does; lists show the new one."""
    secret = Secret.generate()
    rotations.insert_successor(
        connection,
        beside=beside,
        preview=secret.preview,
        digest=peppers.digest(secret),
        pepper_generation=peppers.generation,
    )
    rotations.show_newest(connection, token.id, secret.preview)
    return replace(token, preview=secret.preview), secret

"""Requests with an Idempotency-Key: a repetition makes nothing new."""

from collections.abc import Callable
from typing import TypeVar

from tokenry.domain.errors import AlreadyMade, Conflict, Fault, Invalid
from tokenry.domain.events import TokenReissued
from tokenry.domain.idempotency import HEADER, KeyedRequest
from tokenry.domain.secrets import Kind, Peppers, Secret
from tokenry.domain.tokens import Token
from tokenry.service.acting import require_maker, require_reach
from tokenry.service.disabling import require_enabled
from tokenry.service.secrets import claim_last_rotation, give_secret
from tokenry.service.transactions import Change
from tokenry.storage import idempotency, rotations, uses
from tokenry.storage import tokens as stored_tokens
from tokenry.storage.users import lock_user

T = TypeVar("T")


def make_once(
    change: Change, peppers: Peppers, kind: Kind, request: KeyedRequest | None, make: Callable[[], tuple[Token, Secret]]
) -> tuple[Token, Secret]:
    """Make what a request asks for, in a change that has done nothing yet.

    If this user made the same request before, nothing is made. The secret of the first answer is stored nowhere, so it
    cannot be sent again: a fresh one of `kind` takes its place, under the same token. Raises Invalid when the key
    stands for another request, AlreadyMade for a repetition of one that is answered once, and Conflict when the first
    secret was used or replaced, whose answer has thus arrived.
    """
    if request is None:
        return make()
    # A backend's keys are its own; a key that a page sends is its user's, or two of them might be given one token.
    user_id = change.actor.user_id if change.origin.page_token is None else change.owner_id
    connection = change.connection
    given = _claim(change, request, user_id)
    if given is None:
        token, secret = make()
    elif request.once:
        raise AlreadyMade(given.token_id)
    else:
        token, secret = _give_again(change, peppers, kind, given)
    idempotency.store_given(connection, request.key, user_id=user_id, token_id=token.id, preview=secret.preview)
    return token, secret


def do_once(change: Change, request: KeyedRequest | None, make: Callable[[], T], id_of: Callable[[T], object]) -> T:
    """Make what a request asks for whose answer is given a single time, in a change that holds its locks by now.

    Raises Invalid when the key stands for another request, and AlreadyMade, with the id of what was made, for a
    repetition.
    """
    if request is None:
        return make()
    user_id = change.actor.user_id
    given = _claim(change, request, user_id)
    if given is not None:
        raise AlreadyMade(given.made or "")
    made = make()
    idempotency.store_made(change.connection, request.key, user_id=user_id, made=str(id_of(made)))
    return made


def _claim(change: Change, request: KeyedRequest, user_id: int) -> idempotency.Given | None:
    """Let a key stand for a request; what it was given if it stands for it already. Raises Invalid for another one."""
    if idempotency.claim_key(change.connection, request, user_id=user_id, now=change.now):
        return None
    given = idempotency.get_given(change.connection, request.key, user_id=user_id)
    if given.digest != request.digest:
        raise Invalid(Fault("Has been used for another request", HEADER))
    return given


def _give_again(change: Change, peppers: Peppers, kind: Kind, given: idempotency.Given) -> tuple[Token, Secret]:
    """Put a fresh secret in the place of one that was given out and, as far as known, never arrived."""
    connection, actor, owner_id = change.connection, change.actor, change.owner_id
    lock_user(connection, owner_id)
    token = stored_tokens.lock_token(connection, given.token_id, user_id=owner_id, now=change.now)
    rotation = claim_last_rotation(change, given.token_id)
    require_maker(change)
    if rotation is not None:
        used = rotation.used
    else:
        used = actor.token_id == given.token_id or uses.was_used(connection, given.token_id)
    if token is None or token.preview != given.preview or used:
        raise Conflict(Fault("The first answer has evidently arrived: its secret was used or replaced", HEADER))
    require_enabled(change, token.id)
    require_reach(change, token)
    token, secret = give_secret(change, peppers, token, kind, beside=given.preview)
    rotations.delete_credential(connection, given.preview)
    rotations.rename_newest(connection, token.id, secret.preview)
    change.record(TokenReissued(token.id))
    return token, secret

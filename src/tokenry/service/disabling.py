"""Disabling tokens without revoking them, and enabling them again, in a change of the caller's.

A token that is disabled opens nothing, so it enables neither itself nor others.
"""

from collections.abc import Sequence

from tokenry.domain.details import Details, State
from tokenry.domain.errors import Conflict, Fault, Invalid
from tokenry.domain.events import TokenDisabled, TokenEnabled
from tokenry.service.transactions import Change
from tokenry.storage import disabling as stored


def turn_these(change: Change, token_ids: Sequence[int], *, disabled: bool) -> Sequence[int]:
    """Disable or enable those of some tokens that are not so yet, whose users are locked; their ids.

    Those that were revoked or came from a grant are left as they are, and no token is disabled that has expired.
    """
    if disabled:
        ids = stored.disable_these(change.connection, token_ids, now=change.now, by=change.origin.name)
        change.record(*map(TokenDisabled, ids))
    else:
        ids = stored.enable_these(change.connection, token_ids)
        change.record(*map(TokenEnabled, ids))
    return ids


def turn(change: Change, before: Details, *, disabled: bool) -> None:
    """Disable or enable one token of the user who is meant, who is locked.

    What somebody else disabled, users do not enable by themselves. Raises Invalid, Conflict.
    """
    if before.state not in {State.ACTIVE, State.PENDING, State.DISABLED}:
        raise Invalid(Fault("Must be left out: this token can no longer be used", "disabled"))
    by = None if before.disabled is None else before.disabled.by
    if not disabled and change.origin.managed is None and by != change.origin.name:
        raise Conflict(Fault(f"Was disabled by {by}, and cannot be enabled with the user's own tokens", "disabled"))
    turn_these(change, [before.token.id], disabled=disabled)


def require_enabled(change: Change, token_id: int) -> None:
    """Refuse to give out a secret of a token, which is locked, if it would open nothing. Raises Conflict."""
    if stored.was_disabled(change.connection, token_id):
        raise Conflict(Fault("The token is disabled: enable it first"))

"""Rotation of a token's secret."""

from collections.abc import Mapping

from tokenry.api.idempotency import read_keyed_request
from tokenry.api.tokens import read_token_id
from tokenry.api.wire import read_integer, write_token
from tokenry.domain.errors import Fault, collect_faults, raise_faults
from tokenry.domain.rotation import GRACE_SECONDS_DEFAULT, GRACE_SECONDS_MAX, NewRotation
from tokenry.service.rotation import Rotations
from tokenry.web.requests import Call

FIRST_USE, NOW = "first_use", "now"


class RotationOperations:
    """`/profile/tokens/{token_id}/rotate`."""

    def __init__(self, rotations: Rotations) -> None:
        self._rotations = rotations

    def rotate_token(self, call: Call) -> object:
        """POST a new secret; the only answer with its whole text."""
        token_id = read_token_id(call)
        new, request = collect_faults(
            lambda: read_rotation(call.body),
            lambda: read_keyed_request(call, f"/profile/tokens/{token_id}/rotate"),
        )
        token, secret = self._rotations.rotate_token(call.origin, token_id, new, request)
        return write_token(token, secret)


def read_rotation(body: Mapping[str, object]) -> NewRotation:
    """Read `grace`, in seconds, and `activate`. Raises Invalid."""
    faults = []
    grace = read_integer(body.get("grace", GRACE_SECONDS_DEFAULT))
    if grace is None or not 0 <= grace <= GRACE_SECONDS_MAX:
        faults.append(Fault(f"Must be 0-{GRACE_SECONDS_MAX}", "grace"))
        grace = GRACE_SECONDS_DEFAULT
    activate = body.get("activate", FIRST_USE)
    if activate not in (FIRST_USE, NOW):
        faults.append(Fault(f"Must be one of {FIRST_USE}, {NOW}", "activate"))
    raise_faults(faults)
    return NewRotation(grace_seconds=grace, on_first_use=activate == FIRST_USE)

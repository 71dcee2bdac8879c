"""The operations on personal access tokens: read the call, ask the service, write the answer."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tokenry.api.idempotency import read_keyed_request
from tokenry.api.lists import read_list
from tokenry.api.wire import read_id, read_integer, read_new_label, read_new_token, write_page, write_token
from tokenry.domain.accounts import Origin
from tokenry.domain.details import Reason
from tokenry.domain.errors import Fault, Forbidden, Invalid, NotFound, collect_faults, raise_faults
from tokenry.domain.filters import Kind
from tokenry.domain.policy import Rules
from tokenry.domain.rotation import GRACE_SECONDS_DEFAULT, GRACE_SECONDS_MAX, NewRotation
from tokenry.service.policy import Policies
from tokenry.service.rotation import Rotations
from tokenry.service.tokens import Tokens
from tokenry.web.requests import Call
from tokenry.web.resource import ITSELF_ONLY

FILTERABLE = {
    "created": Kind.TIME,
    "expiry": Kind.TIME,
    "id": Kind.INTEGER,
    "label": Kind.TEXT,
    "scopes": Kind.TEXT,
}
REASONS = [reason.value for reason in Reason]
FIRST_USE, NOW = "first_use", "now"


Whose = Callable[[Call], Origin]
"""Says whose tokens a call means, and who acts."""


def own(call: Call) -> Origin:
    """The caller's own."""
    return call.origin


class TokenOperations:
    """`/profile/tokens` and what is below it, but for details; the same for tokens of a user whom somebody manages."""

    def __init__(self, tokens: Tokens, rotations: Rotations, policies: Policies, whose: Whose = own) -> None:
        self._tokens = tokens
        self._rotations = rotations
        self._policies = policies
        self._whose = whose

    def list_tokens(self, call: Call) -> object:
        """GET live tokens, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._tokens.list_tokens(self._whose(call).owner_id, request, filter), write_token)

    def create_token(self, call: Call) -> object:
        """POST a new token; the only answer with its whole text."""
        request = read_keyed_request(call, "/profile/tokens")
        token, secret = self._tokens.create_token(self._whose(call), read_new_token(call.body), request)
        return write_token(token, secret)

    def get_token(self, call: Call) -> object:
        """GET one token."""
        return write_token(self._tokens.get_token(self._whose(call).owner_id, read_token_id(call)))

    def rename_token(self, call: Call) -> object:
        """PUT another label."""
        token_id = read_token_id(call)
        label, faults = read_new_label(call.body)
        return write_token(self._tokens.rename_token(self._whose(call), token_id, label, faults))

    def revoke_token(self, call: Call) -> object:
        """DELETE a token; from this answer on it is refused everywhere."""
        token_id = read_token_id(call)
        self._tokens.revoke_token(with_reason(self._whose(call), call.parameters), token_id)
        return {}

    def revoke_other_tokens(self, call: Call) -> object:
        """POST the revocation of all of the caller's tokens but the acting one."""
        return {"revoked": self._tokens.revoke_other_tokens(with_reason(call.origin, call.body))}

    def rotate_token(self, call: Call) -> object:
        """POST a new secret; the only answer with its whole text."""
        token_id = read_token_id(call)
        new, request = collect_faults(
            lambda: read_rotation(call.body),
            # The token tells whose it is: the path need not.
            lambda: read_keyed_request(call, f"/profile/tokens/{token_id}/rotate"),
        )
        token, secret = self._rotations.rotate_token(self._whose(call), token_id, new, request)
        return write_token(token, secret)

    def get_policy(self, call: Call) -> object:
        """GET what holds for the user's next token, so that a client can ask before it is refused."""
        origin = self._whose(call)
        return write_rules(self._policies.get_rules(origin.owner_id, giver_id=giver_of(origin)))


def giver_of(origin: Origin) -> int | None:
    """Who gives a user tokens on whose behalf somebody acts; None where they are one's own."""
    return None if origin.managed is None or origin.actor is None else origin.actor.user_id


def read_token_id(call: Call) -> int:
    """Read the id in the path. Raises NotFound for what cannot be one."""
    token_id = read_id(call.path["token_id"])
    if token_id is None:
        raise NotFound
    return token_id


def itself(run: Callable[[Call], object]) -> Callable[[Call], object]:
    """An operation on the token that acts, and on no other."""

    def check_and_run(call: Call) -> object:
        if read_token_id(call) != call.actor.token_id:
            raise Forbidden(ITSELF_ONLY)
        return run(call)

    return check_and_run


def with_reason(origin: Origin, given: Mapping[str, object]) -> Origin:
    """Say why a change revokes tokens, by a parameter or a key of the body. Raises Invalid."""
    reason = given.get("reason")
    if reason is None:
        return origin
    if not isinstance(reason, str) or reason not in REASONS:
        raise Invalid(Fault(f"Must be one of {', '.join(REASONS)}", "reason"))
    return replace(origin, reason=Reason(reason))


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


def write_rules(rules: Rules) -> dict[str, object]:
    """Write the rules: null for no limit, `*` for all scopes."""
    return {
        "max_lifetime_seconds": None if rules.lifetime_max is None else int(rules.lifetime_max.total_seconds()),
        "expiry_required": rules.expiry_required,
        "scopes": str(rules.scopes),
        "max_tokens": rules.tokens_max,
        "tokens": rules.live_tokens,
        "requests_per_minute": rules.requests_per_minute or None,
    }

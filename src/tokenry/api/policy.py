"""What holds for a user's next token, so that a client can ask before it is refused."""

from tokenry.domain.policy import Rules
from tokenry.service.policy import Policies
from tokenry.web.requests import Call


class PolicyOperations:
    """`/profile/tokens/policy`."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def get_policy(self, call: Call) -> object:
        """GET what applies to the caller's user."""
        return write_rules(self._policies.get_rules(call.actor))


def write_rules(rules: Rules) -> dict[str, object]:
    """Write the rules: null for no limit, `*` for all scopes."""
    return {
        "max_lifetime_seconds": None if rules.lifetime_max is None else int(rules.lifetime_max.total_seconds()),
        "expiry_required": rules.expiry_required,
        "scopes": str(rules.scopes),
        "max_tokens": rules.tokens_max,
        "tokens": rules.live_tokens,
    }

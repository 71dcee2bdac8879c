"""The five operations on personal access tokens: read the call, ask the service, write the answer."""

from tokenry.api.filters import read_filter
from tokenry.api.idempotency import read_keyed_request
from tokenry.api.wire import read_id, read_new_label, read_new_token, read_page, write_page, write_token
from tokenry.domain.errors import NotFound, collect_faults
from tokenry.domain.filters import Kind
from tokenry.service.tokens import Tokens
from tokenry.web.requests import Call

FILTERABLE = {
    "created": Kind.TIME,
    "expiry": Kind.TIME,
    "id": Kind.INTEGER,
    "label": Kind.TEXT,
    "scopes": Kind.TEXT,
}


class TokenOperations:
    """`/profile/tokens` and `/profile/tokens/{token_id}`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def list_tokens(self, call: Call) -> object:
        """GET the caller's live tokens, paged, filtered and ordered."""
        request, filter = collect_faults(lambda: read_page(call.query), lambda: read_filter(call.filter, FILTERABLE))
        return write_page(self._tokens.list_tokens(call.actor, request, filter), write_token)

    def create_token(self, call: Call) -> object:
        """POST a new token; the only answer with its whole text."""
        request = read_keyed_request(call, "/profile/tokens")
        token, secret = self._tokens.create_token(call.origin, read_new_token(call.body), request)
        return write_token(token, secret)

    def get_token(self, call: Call) -> object:
        """GET one token."""
        return write_token(self._tokens.get_token(call.actor, read_token_id(call)))

    def rename_token(self, call: Call) -> object:
        """PUT another label."""
        token_id = read_token_id(call)
        label, faults = read_new_label(call.body)
        return write_token(self._tokens.rename_token(call.origin, token_id, label, faults))

    def revoke_token(self, call: Call) -> object:
        """DELETE a token; from this answer on it is refused everywhere."""
        self._tokens.revoke_token(call.origin, read_token_id(call))
        return {}

    def revoke_other_tokens(self, call: Call) -> object:
        """POST the revocation of all of the caller's tokens but the acting one."""
        return {"revoked": self._tokens.revoke_other_tokens(call.origin)}


def read_token_id(call: Call) -> int:
    """Read the id in the path. Raises NotFound for what cannot be one."""
    token_id = read_id(call.path["token_id"])
    if token_id is None:
        raise NotFound
    return token_id

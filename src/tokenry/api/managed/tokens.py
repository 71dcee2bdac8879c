"""Of the operations on a managed user's tokens those that users have otherwise for their own, or not at all."""

from collections.abc import Mapping
from dataclasses import replace

from tokenry.api.idempotency import read_keyed_request
from tokenry.api.managed.users import read_external_id
from tokenry.api.metadata import read_new_metadata
from tokenry.api.tokens.operations import with_reason
from tokenry.api.wire import read_new_token, write_time, write_token
from tokenry.domain.errors import Fault, collect_faults, raise_faults
from tokenry.domain.metadata import NO_METADATA
from tokenry.domain.tokens import NewToken
from tokenry.service.managed import ManagedTokens
from tokenry.service.page_tokens import PageTokens
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call


class ManagedTokenOperations:
    """`/tokenry/users/{external_id}/tokens` as far as it is not as `/profile/tokens`."""

    def __init__(self, tokens: ManagedTokens, page_tokens: PageTokens) -> None:
        self._tokens = tokens
        self._page_tokens = page_tokens

    def create_token(self, call: Call) -> object:
        """POST a new token of a user; the only answer with its whole text."""
        external_id = read_external_id(call)
        create_user, request = collect_faults(
            lambda: _read_create_user(call),
            lambda: read_keyed_request(call, f"/tokenry/users/{external_id}/tokens"),
        )
        new = _read_new_token(call.body)
        token, secret = self._tokens.create_token(call.origin, external_id, new, request, create_user=create_user)
        return write_token(token, secret)

    def create_page_token(self, call: Call) -> object:
        """POST a page token for a user's own browser; the only answer with its text."""
        secret, expires = self._page_tokens.create_page_token(call.origin, read_external_id(call))
        return {"token": secret.reveal(), "expiry": write_time(expires)}

    def revoke_all(self, call: Call) -> object:
        """POST the revocation of all tokens of a user."""
        return {"revoked": self._tokens.revoke_all(with_reason(call.origin, call.body), read_external_id(call))}


def _read_new_token(body: Mapping[str, object]) -> NewToken:
    new = read_new_token(body)
    faults = list(new.faults)
    metadata = read_new_metadata(body, faults)
    return replace(new, metadata=metadata or NO_METADATA, faults=tuple(faults))


def _read_create_user(call: Call) -> bool:
    faults: list[Fault] = []
    create_user = read_key(call.body, "create_user", bool, faults)
    raise_faults(faults)
    return create_user is True

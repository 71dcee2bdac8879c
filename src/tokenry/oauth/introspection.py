"""Introspection (RFC 7662): what a token is, for a service that it was presented to."""

from collections.abc import Mapping
from datetime import datetime

from anyio import from_thread

from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.grants import Grant
from tokenry.domain.identity import write_claims
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.scopes import NOTHING_FOR_ANYBODY
from tokenry.oauth.clients import read_client
from tokenry.service.installation import Installation
from tokenry.verification.inspection import NO_ADDRESS, Inspector, is_address
from tokenry.verification.verifier import Decision
from tokenry.web.requests import Call

INACTIVE = {"active": False}
"""All that is said of a token that is not valid, whatever it lacks (RFC 7662 section 2.2)."""


async def introspect(inspector: Inspector, call: Call) -> object:
    """POST a token that somebody presented.

    Of one that is bound to a key it is told which (RFC 9449 section 6.2): whoever asks has to judge the proof.
    """
    token, address = read_introspection(call.body)
    [decision] = await inspector.decide(call.actor, [token], NOTHING_FOR_ANYBODY, address)
    return _write_active(decision, await inspector.find_keys(call.actor, [decision]))


def introspect_for_client(do: Installation, inspector: Inspector, call: Call) -> object:
    """POST a token that was given to the client that asks, or that is meant for it: other tokens are not active.

    Raises OAuthRefusal, also for a public client, which anybody could say to be.
    """
    client = do.client_authentication.authenticate(read_client(call.headers, call.body))
    if client.public:
        raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, "The client has no proof of who it is.")
    text, address = read_introspection(call.body)
    refreshing = do.refresh_tokens.find_live(client, text)
    if refreshing is not None:
        return _write_refreshing(*refreshing)
    decision = from_thread.run(inspector.decide_on_any, text, address)
    actor = decision.actor
    if actor is None or not (actor.client_id == client.client_id or client.stands_at(actor.audience)):
        return INACTIVE
    keys = do.proofs.find_keys([actor.preview]) if decision.bound else {}
    return _write_active(decision, keys, metadata=client.stands_at(actor.audience))


def _write_active(decision: Decision, keys: Mapping[str, str], *, metadata: bool = True) -> object:
    actor = decision.actor
    if actor is None:
        return INACTIVE
    if not decision.bound:
        return {"active": True, "token_type": "Bearer", **write_claims(actor, metadata=metadata)}
    jkt = keys.get(actor.preview)
    if jkt is None:  # it has ended just now
        return INACTIVE
    return {"active": True, "token_type": "DPoP", **write_claims(actor, metadata=metadata), "cnf": {"jkt": jkt}}


def _write_refreshing(grant: Grant, expiry: datetime) -> object:
    return {
        "active": True,
        "scope": grant.scopes.sorted_text,
        "client_id": grant.client_id,
        "sub": str(grant.user_id),
        "exp": int(expiry.timestamp()),
    }


def read_introspection(form: Mapping[str, object]) -> tuple[str, str | None]:
    """Read `token`, and `address`, from where it was presented. Raises Invalid."""
    address = form.get("address")
    faults = [] if "token" in form else [Fault("Must be sent", "token")]
    if address is not None and not is_address(str(address)):
        faults.append(NO_ADDRESS)
    raise_faults(faults)
    return str(form["token"]), None if address is None else str(address)

"""Verification of many tokens in one request, for services that do not ask about each as it comes."""

from collections.abc import Mapping, Sequence

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.checks import Denial
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.identity import write_json
from tokenry.domain.scopes import Scopes
from tokenry.gate.inspection import read_question
from tokenry.verification.inspection import Inspector
from tokenry.verification.verifier import Decision
from tokenry.web.requests import Call

TOKENS_MAX = 100
INVALID = {"active": False, "status": "invalid"}
"""All that is said of a token that is not valid, whatever it lacks."""
INSUFFICIENT_SCOPE = {"active": False, "status": "insufficient_scope"}


async def verify_batch(inspector: Inspector, catalogue: Catalogue, call: Call) -> object:
    """POST tokens that were presented, all from one address, to the same service and for the same scopes."""
    tokens, needed, address = read_batch(call.body, catalogue)
    decisions = await inspector.decide(call.actor, tokens, needed, address)
    keys = await inspector.find_keys(call.actor, decisions)
    return [write_verdict(decision, keys) for decision in decisions]


def read_batch(body: Mapping[str, object], catalogue: Catalogue) -> tuple[Sequence[str], Scopes, str | None]:
    """Read `tokens`, and the `scope`, `audience` and `address` of their presentation. Raises Invalid."""
    faults: list[Fault] = []
    tokens = body.get("tokens")
    texts = [text for text in tokens if isinstance(text, str)] if isinstance(tokens, list) else []
    if not isinstance(tokens, list) or not 1 <= len(tokens) <= TOKENS_MAX or len(texts) < len(tokens):
        faults.append(Fault(f"Must be a list of 1-{TOKENS_MAX} strings", "tokens"))
    needed, address = read_question(body, catalogue, faults)
    raise_faults(faults)
    return texts, needed, address


def write_verdict(decision: Decision, keys: Mapping[str, str]) -> dict[str, object]:
    """Write what `/verify` says in status and headers; only a token that is good for what was asked is active.

    One that is bound to a key is not: whoever asks has to judge a proof by that key (RFC 9449 section 6.2), and whoever
    does not know that refuses it.
    """
    if decision.denial is Denial.INSUFFICIENT_SCOPE:
        return INSUFFICIENT_SCOPE
    if decision.actor is None or not decision.accepted:
        return INVALID
    if not decision.bound:
        return {"active": True, "status": "valid", **write_json(decision.actor)}
    jkt = keys.get(decision.actor.preview)
    if jkt is None:  # it has ended just now
        return INVALID
    return {"active": False, "status": "bound", **write_json(decision.actor), "cnf": {"jkt": jkt}}

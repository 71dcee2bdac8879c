"""Why a token is accepted or not: for administrators, who are told what `/verify` tells nobody."""

from collections.abc import Mapping, Sequence

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.explanation import Step
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Secret
from tokenry.gate.inspection import read_question
from tokenry.service.explanation import Explanations
from tokenry.verification.inspection import Inspector
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call


def explain_token(inspector: Inspector, explanations: Explanations, catalogue: Catalogue, call: Call) -> object:
    """POST a token that somebody presented, from an address and for some scopes."""
    token, needed, address = read_presented_token(call.body, catalogue)
    decision = inspector.decide_from_thread(call.actor, token, needed, address)
    steps = explanations.explain_token(call.actor, token, needed=needed, address=address)
    secret = Secret.parse(token)
    active = decision.accepted and not decision.bound  # which needs a proof
    return write_explanation(steps, preview=None if secret is None else secret.preview, active=active)


def read_presented_token(body: Mapping[str, object], catalogue: Catalogue) -> tuple[str, Scopes, str | None]:
    """Read `token`, and the `scope`, `audience` and `address` of its presentation. Raises Invalid."""
    faults: list[Fault] = []
    token = read_key(body, "token", str, faults)
    if "token" not in body:
        faults.append(Fault("Must be sent", "token"))
    needed, address = read_question(body, catalogue, faults)
    raise_faults(faults)
    return token or "", needed, address


def write_explanation(steps: Sequence[Step], *, preview: str | None, active: bool) -> dict[str, object]:
    """Write an explanation. Of a token nothing is shown but its preview, of what is no token nothing at all."""
    return {
        "active": active,
        "token": preview,
        "steps": [{"check": step.check.value, "passed": step.passed, "reason": step.reason} for step in steps],
    }

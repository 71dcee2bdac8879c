"""The paths below `/verify`."""

from collections.abc import Mapping
from functools import partial

from starlette.types import ASGIApp

from tokenry.domain.callers import Callers
from tokenry.domain.scopes import READS, VERIFY_READS
from tokenry.domain.words import Words
from tokenry.gate.batch import verify_batch
from tokenry.gate.explanation import explain_token
from tokenry.gate.questions import QUESTIONS
from tokenry.gate.verify import VerifyEndpoint
from tokenry.service.installation import Installation
from tokenry.verification.inspection import Inspector
from tokenry.verification.needs import policy_reader
from tokenry.web.resource import Checks, Inquiry, MakeResource, Operation, in_thread


def verification_paths(
    installation: Installation,
    checks: Checks,
    inspector: Inspector,
    words: Words,
    resource: MakeResource,
    *,
    metadata: bool,
) -> Mapping[str, ASGIApp]:
    """What gateways ask on every request, and what administrators and service accounts ask."""
    catalogue = installation.catalogue
    read_policy = policy_reader(catalogue)
    batch = partial(verify_batch, inspector, catalogue)
    explain = partial(explain_token, inspector, installation.explanations, catalogue)
    asked = {
        question.path.decode("ascii") + ("{policy}/{path:path}" if question.is_below else ""): VerifyEndpoint(
            checks.bound_tokens, question, read_policy, words, checks.limits, metadata=metadata
        )
        for question in QUESTIONS
    }
    return {
        **asked,
        "/verify/batch": resource(
            POST=Inquiry(
                batch,
                READS,
                Callers.ADMINISTRATORS,
                counted=False,
                for_managers=Operation(in_thread(batch), VERIFY_READS, Callers.MANAGERS, counted=False),
            )
        ),
        "/verify/explain": resource(
            POST=Operation(
                explain,
                READS,
                Callers.ADMINISTRATORS,
                for_managers=Operation(explain, VERIFY_READS, Callers.MANAGERS),
            )
        ),
    }

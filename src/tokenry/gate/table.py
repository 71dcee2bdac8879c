"""The paths below `/verify`."""

from collections.abc import Mapping
from functools import partial

from starlette.types import ASGIApp

from tokenry.domain.callers import Callers
from tokenry.domain.scopes import READS
from tokenry.gate.batch import verify_batch
from tokenry.gate.explanation import explain_token
from tokenry.gate.questions import ANY_METHOD, EXT_AUTHZ, PLAIN_METHODS, own_method, plain, told_method
from tokenry.gate.verify import VerifyEndpoint
from tokenry.service.installation import Installation
from tokenry.verification.inspection import Inspector
from tokenry.verification.verifier import Verifier
from tokenry.web.resource import MakeResource, Operation


def verification_paths(
    installation: Installation, verifier: Verifier, inspector: Inspector, resource: MakeResource
) -> Mapping[str, ASGIApp]:
    """What gateways ask on every request, and what administrators ask."""
    catalogue = installation.catalogue
    auth_request = told_method(catalogue, b"x-original-method")
    forward_auth = told_method(catalogue, b"x-forwarded-method")
    batch = partial(verify_batch, inspector, catalogue)
    explain = partial(explain_token, inspector, installation.explanations, catalogue)
    return {
        "/verify": VerifyEndpoint(verifier, plain(catalogue), PLAIN_METHODS),
        "/verify/auth-request": VerifyEndpoint(verifier, auth_request, ANY_METHOD),
        "/verify/forward-auth": VerifyEndpoint(verifier, forward_auth, ANY_METHOD),
        EXT_AUTHZ + "{policy}/{path:path}": VerifyEndpoint(verifier, own_method(catalogue), ANY_METHOD),
        "/verify/batch": resource(POST=Operation(batch, READS, Callers.ADMINISTRATORS, counted=False)),
        "/verify/explain": resource(POST=Operation(explain, READS, Callers.ADMINISTRATORS)),
    }

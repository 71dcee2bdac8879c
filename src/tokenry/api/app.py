"""The route table: what is served, and where."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Lifespan

from tokenry.api.description import description_as_json
from tokenry.api.details import DetailsOperations
from tokenry.api.docs import description_as_page
from tokenry.api.guard import Guard
from tokenry.api.health import Liveness, Readiness
from tokenry.api.operation import Operation, Resource, not_found
from tokenry.api.tokens import TokenOperations
from tokenry.api.verify import VerifyEndpoint
from tokenry.verification.verifier import Verifier

VERSIONS = ("v4", "v4beta")
VERIFY = "/verify"


def routes(
    *,
    verifier: Verifier,
    tokens: TokenOperations,
    details: DetailsOperations,
    verify: VerifyEndpoint,
    ready: Readiness,
) -> Sequence[BaseRoute]:
    """Every path of the service. Each application behind one has `methods`, and `openapi.yaml` describes them."""
    reads, writes = "account:read_only", "account:read_write"
    management = {
        "/profile/tokens": Resource(
            verifier,
            GET=Operation(tokens.list_tokens, reads),
            POST=Operation(tokens.create_token, writes),
        ),
        "/profile/tokens/{token_id}": Resource(
            verifier,
            GET=Operation(tokens.get_token, reads),
            PUT=Operation(tokens.rename_token, writes),
            DELETE=Operation(tokens.revoke_token, writes),
        ),
        "/profile/tokens/{token_id}/details": Resource(
            verifier,
            GET=Operation(details.get_details, reads),
            PUT=Operation(details.update_details, writes),
        ),
    }
    return [
        Route(VERIFY, verify),
        Route("/healthz", Liveness()),
        Route("/readyz", ready),
        Route("/openapi.json", description_as_json()),
        Route("/docs", description_as_page()),
        *(Route(f"/{version}{path}", resource) for version in VERSIONS for path, resource in management.items()),
    ]


def create_app(table: Sequence[BaseRoute], lifespan: Lifespan[ASGIApp]) -> ASGIApp:
    """Put the routes behind the guard, with a short cut to the one that gateways ask on every request."""
    router = Router(table, redirect_slashes=False, default=not_found, lifespan=lifespan)
    verify = next(route.app for route in table if isinstance(route, Route) and route.path == VERIFY)
    return Guard(router, direct={VERIFY: verify})

"""The route table: what is served, and where."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Lifespan

from tokenry.api.accounts import AccountOperations
from tokenry.api.children import ChildOperations
from tokenry.api.description import description_as_json
from tokenry.api.details import DetailsOperations
from tokenry.api.dialect import OAUTH, VERIFICATION, WIRE
from tokenry.api.docs import description_as_page
from tokenry.api.empty import APPS, DEVICES, IMAGES, LOGINS, REGIONS, TYPES, empty_list, nothing
from tokenry.api.health import Liveness, Readiness
from tokenry.api.inventory import InventoryOperations
from tokenry.api.leaks import REPORTS, LeakOperations
from tokenry.api.policy import PolicyOperations
from tokenry.api.profile import ProfileOperations
from tokenry.api.revocation import RevocationOperations
from tokenry.api.rotation import RotationOperations
from tokenry.api.tokens import TokenOperations
from tokenry.api.users import UserOperations
from tokenry.domain.callers import Callers
from tokenry.domain.scopes import Catalogue
from tokenry.gate.batch import BatchOperations
from tokenry.gate.explanation import ExplanationOperations
from tokenry.gate.introspection import IntrospectionOperations
from tokenry.gate.questions import ANY_METHOD, EXT_AUTHZ, PLAIN_METHODS, own_method, plain, told_method
from tokenry.gate.verify import VerifyEndpoint
from tokenry.verification.verifier import Verifier
from tokenry.web.guard import Guard
from tokenry.web.resource import Checks, Operation, Resource, not_found

VERSIONS = ("v4", "v4beta")
READS, WRITES = "account:read_only", "account:read_write"
ADMINISTRATORS, PARENTS = Callers.ADMINISTRATORS, Callers.PARENTS
MakeResource = Callable[..., Resource]
Paths = Mapping[str, Resource]
change = partial(Operation, changes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What the paths do, by noun."""

    tokens: TokenOperations
    details: DetailsOperations
    policy: PolicyOperations
    inventory: InventoryOperations
    profile: ProfileOperations
    accounts: AccountOperations
    users: UserOperations
    children: ChildOperations
    rotation: RotationOperations
    introspection: IntrospectionOperations
    batch: BatchOperations
    leaks: LeakOperations
    explanation: ExplanationOperations
    revocation: RevocationOperations


def routes(
    operations: Operations,
    *,
    checks: Checks,
    catalogue: Catalogue,
    ready: Readiness,
) -> Sequence[BaseRoute]:
    """Every path of the service. Each application behind one has `methods`, and `openapi.yaml` describes them."""
    resource = partial(Resource, checks)
    wire = partial(resource, WIRE)
    management = {
        **_token_paths(operations, wire),
        **_profile_paths(operations, wire),
        **_account_paths(operations, wire),
        **_child_account_paths(operations, wire),
        **_public_paths(operations, wire),
    }
    return [
        *_verification_routes(operations, resource, checks.verifier, catalogue),
        *_oauth_routes(operations, resource),
        Route("/healthz", Liveness()),
        Route("/readyz", ready),
        Route("/openapi.json", description_as_json(catalogue, WIRE)),
        Route("/docs", description_as_page(catalogue, WIRE)),
        *(Route(f"/{version}{path}", managed) for version in VERSIONS for path, managed in management.items()),
    ]


def _token_paths(to: Operations, resource: MakeResource) -> Paths:
    return {
        "/profile/tokens": resource(
            GET=Operation(to.tokens.list_tokens, READS),
            POST=change(to.tokens.create_token, WRITES),
        ),
        # Before the paths with an id, which would match it.
        "/profile/tokens/details": resource(GET=Operation(to.details.list_details, READS)),
        "/profile/tokens/policy": resource(GET=Operation(to.policy.get_policy, READS)),
        "/profile/tokens/revoke-others": resource(POST=change(to.tokens.revoke_other_tokens, WRITES)),
        "/profile/tokens/{token_id}": resource(
            GET=Operation(to.tokens.get_token, READS),
            PUT=change(to.tokens.rename_token, WRITES),
            DELETE=change(to.tokens.revoke_token, WRITES),
        ),
        "/profile/tokens/{token_id}/rotate": resource(POST=change(to.rotation.rotate_token, WRITES)),
        "/profile/tokens/{token_id}/details": resource(
            GET=Operation(to.details.get_details, READS),
            PUT=change(to.details.update_details, WRITES),
        ),
    }


def _profile_paths(to: Operations, resource: MakeResource) -> Paths:
    return {
        "/profile": resource(
            GET=Operation(to.profile.get_profile),
            PUT=change(to.profile.update_profile, WRITES),
        ),
        "/profile/grants": resource(GET=Operation(to.profile.get_grants)),
        "/profile/logins": resource(GET=Operation(empty_list(LOGINS), READS)),
        "/profile/logins/{login_id}": resource(GET=Operation(nothing, READS)),
        "/profile/devices": resource(GET=Operation(empty_list(DEVICES), READS)),
        "/profile/devices/{device_id}": resource(GET=Operation(nothing, READS), DELETE=Operation(nothing, WRITES)),
        "/profile/apps": resource(GET=Operation(empty_list(APPS), READS)),
        "/profile/apps/{app_id}": resource(GET=Operation(nothing, READS), DELETE=Operation(nothing, WRITES)),
    }


def _account_paths(to: Operations, resource: MakeResource) -> Paths:
    return {
        "/account": resource(
            GET=Operation(to.accounts.get_account, READS, ADMINISTRATORS),
            PUT=change(to.accounts.update_account, WRITES, ADMINISTRATORS),
        ),
        "/account/tokens": resource(GET=Operation(to.inventory.list_tokens, READS, ADMINISTRATORS)),
        "/account/tokens/export": resource(GET=Operation(to.inventory.export_tokens, READS, ADMINISTRATORS)),
        "/account/tokens/revoke": resource(POST=change(to.inventory.revoke_tokens, WRITES, ADMINISTRATORS)),
        "/account/users": resource(
            GET=Operation(to.users.list_users, READS, ADMINISTRATORS),
            POST=change(to.users.create_user, WRITES, ADMINISTRATORS),
        ),
        "/account/users/{username}": resource(
            GET=Operation(to.users.get_user, READS, ADMINISTRATORS),
            PUT=change(to.users.update_user, WRITES, ADMINISTRATORS),
            DELETE=change(to.users.delete_user, WRITES, ADMINISTRATORS),
        ),
        "/account/users/{username}/grants": resource(
            GET=Operation(to.users.get_grants, READS, ADMINISTRATORS),
            PUT=change(to.users.update_grants, WRITES, ADMINISTRATORS),
        ),
    }


def _child_account_paths(to: Operations, resource: MakeResource) -> Paths:
    reads, writes = "child_account:read_only", "child_account:read_write"
    paths = {
        "": resource(GET=Operation(to.children.list_children, reads, PARENTS)),
        "/{euuid}": resource(GET=Operation(to.children.get_child, reads, PARENTS)),
        "/{euuid}/token": resource(POST=change(to.children.create_token, writes, PARENTS, reads_body=False)),
    }
    places = ("/account", "/iam/delegation/profile")
    return {f"{place}/child-accounts{path}": managed for place in places for path, managed in paths.items()}


def _public_paths(to: Operations, resource: MakeResource) -> Paths:
    """What needs no token."""
    lists = {"/regions": REGIONS, "/linode/types": TYPES, "/images": IMAGES}
    return {
        "/credentials/revoke": resource(POST=change(to.leaks.revoke_reported, who=Callers.ANYBODY, bucket=REPORTS)),
        **{path: resource(GET=Operation(empty_list(fields), who=Callers.ANYBODY)) for path, fields in lists.items()},
    }


def _verification_routes(
    to: Operations, resource: MakeResource, verifier: Verifier, catalogue: Catalogue
) -> Sequence[Route]:
    auth_request = told_method(catalogue, b"x-original-method")
    forward_auth = told_method(catalogue, b"x-forwarded-method")
    batch = Operation(to.batch.verify, READS, ADMINISTRATORS, counted=False)
    explain = Operation(to.explanation.explain, READS, ADMINISTRATORS)
    return [
        Route("/verify", VerifyEndpoint(verifier, plain(catalogue), PLAIN_METHODS)),
        Route("/verify/auth-request", VerifyEndpoint(verifier, auth_request, ANY_METHOD)),
        Route("/verify/forward-auth", VerifyEndpoint(verifier, forward_auth, ANY_METHOD)),
        Route(EXT_AUTHZ + "{policy}/{path:path}", VerifyEndpoint(verifier, own_method(catalogue), ANY_METHOD)),
        Route("/verify/batch", resource(VERIFICATION, POST=batch)),
        Route("/verify/explain", resource(VERIFICATION, POST=explain)),
    ]


def _oauth_routes(to: Operations, resource: MakeResource) -> Sequence[Route]:
    asked = Operation(to.introspection.introspect, READS, ADMINISTRATORS, counted=False)
    return [
        Route("/oauth/revoke", resource(OAUTH, POST=change(to.revocation.revoke_presented, WRITES))),
        Route("/oauth/introspect", resource(OAUTH, POST=asked)),
    ]


def create_app(table: Sequence[BaseRoute], lifespan: Lifespan[ASGIApp]) -> ASGIApp:
    """Put the routes behind the guard, with a short cut to those that gateways ask on every request."""
    router = Router(table, redirect_slashes=False, default=not_found(WIRE), lifespan=lifespan)
    verification = [route for route in table if isinstance(route, Route) and isinstance(route.app, VerifyEndpoint)]
    return Guard(router, WIRE, direct={route.path.partition("{")[0]: route.app for route in verification})

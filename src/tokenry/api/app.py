"""The route table: what is served, and where."""

from collections.abc import Sequence
from functools import partial

from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Lifespan

from tokenry.api.accounts import AccountOperations
from tokenry.api.batch import BatchOperations
from tokenry.api.children import ChildOperations
from tokenry.api.description import description_as_json
from tokenry.api.details import DetailsOperations
from tokenry.api.dialect import OAUTH, VERIFICATION
from tokenry.api.docs import description_as_page
from tokenry.api.empty import APPS, DEVICES, IMAGES, LOGINS, REGIONS, TYPES, empty_list, nothing
from tokenry.api.explanation import ExplanationOperations
from tokenry.api.guard import Guard
from tokenry.api.health import Liveness, Readiness
from tokenry.api.introspection import IntrospectionOperations
from tokenry.api.inventory import InventoryOperations
from tokenry.api.leaks import REPORTS, LeakOperations
from tokenry.api.limits import RateLimits
from tokenry.api.operation import Operation, Resource, not_found
from tokenry.api.policy import PolicyOperations
from tokenry.api.profile import ProfileOperations
from tokenry.api.questions import ANY_METHOD, EXT_AUTHZ, PLAIN_METHODS, own_method, plain, told_method
from tokenry.api.revocation import RevocationOperations
from tokenry.api.rotation import RotationOperations
from tokenry.api.threads import Threads
from tokenry.api.tokens import TokenOperations
from tokenry.api.users import UserOperations
from tokenry.api.verify import VerifyEndpoint
from tokenry.domain.scopes import Catalogue
from tokenry.verification.verifier import Verifier

VERSIONS = ("v4", "v4beta")


def routes(
    *,
    verifier: Verifier,
    limits: RateLimits,
    threads: Threads,
    tokens: TokenOperations,
    details: DetailsOperations,
    catalogue: Catalogue,
    policy: PolicyOperations,
    inventory: InventoryOperations,
    profile: ProfileOperations,
    accounts: AccountOperations,
    users: UserOperations,
    children: ChildOperations,
    rotation: RotationOperations,
    introspection: IntrospectionOperations,
    batch: BatchOperations,
    leaks: LeakOperations,
    explanation: ExplanationOperations,
    revocation: RevocationOperations,
    ready: Readiness,
) -> Sequence[BaseRoute]:
    """Every path of the service. Each application behind one has `methods`, and `openapi.yaml` describes them."""
    reads, writes = "account:read_only", "account:read_write"
    change = partial(Operation, changes=True)
    resource = partial(Resource, verifier, limits, threads)
    management = {
        "/profile/tokens": resource(
            GET=Operation(tokens.list_tokens, reads),
            POST=change(tokens.create_token, writes),
        ),
        # Before the paths with an id, which would match it.
        "/profile/tokens/details": resource(GET=Operation(details.list_details, reads)),
        "/profile/tokens/policy": resource(GET=Operation(policy.get_policy, reads)),
        "/profile/tokens/revoke-others": resource(POST=change(tokens.revoke_other_tokens, writes)),
        "/profile/tokens/{token_id}": resource(
            GET=Operation(tokens.get_token, reads),
            PUT=change(tokens.rename_token, writes),
            DELETE=change(tokens.revoke_token, writes),
        ),
        "/profile/tokens/{token_id}/rotate": resource(POST=change(rotation.rotate_token, writes)),
        "/profile/tokens/{token_id}/details": resource(
            GET=Operation(details.get_details, reads),
            PUT=change(details.update_details, writes),
        ),
        "/profile": resource(
            GET=Operation(profile.get_profile),
            PUT=change(profile.update_profile, writes),
        ),
        "/profile/grants": resource(GET=Operation(profile.get_grants)),
        "/profile/logins": resource(GET=Operation(empty_list(LOGINS), reads)),
        "/profile/logins/{login_id}": resource(GET=Operation(nothing, reads)),
        "/profile/devices": resource(GET=Operation(empty_list(DEVICES), reads)),
        "/profile/devices/{device_id}": resource(GET=Operation(nothing, reads), DELETE=Operation(nothing, writes)),
        "/profile/apps": resource(GET=Operation(empty_list(APPS), reads)),
        "/profile/apps/{app_id}": resource(GET=Operation(nothing, reads), DELETE=Operation(nothing, writes)),
        "/account": resource(
            GET=Operation(accounts.get_account, reads),
            PUT=change(accounts.update_account, writes),
        ),
        "/account/tokens": resource(GET=Operation(inventory.list_tokens, reads)),
        "/account/tokens/export": resource(GET=Operation(inventory.export_tokens, reads)),
        "/account/tokens/revoke": resource(POST=change(inventory.revoke_tokens, writes)),
        "/account/users": resource(
            GET=Operation(users.list_users, reads),
            POST=change(users.create_user, writes),
        ),
        "/account/users/{username}": resource(
            GET=Operation(users.get_user, reads),
            PUT=change(users.update_user, writes),
            DELETE=change(users.delete_user, writes),
        ),
        "/account/users/{username}/grants": resource(
            GET=Operation(users.get_grants, reads),
            PUT=change(users.update_grants, writes),
        ),
        "/credentials/revoke": resource(POST=change(leaks.revoke_reported, public=True, bucket=REPORTS)),
        **{
            f"{place}/child-accounts{path}": managed
            for place in ("/account", "/iam/delegation/profile")
            for path, managed in (
                ("", resource(GET=Operation(children.list_children, "child_account:read_only"))),
                ("/{euuid}", resource(GET=Operation(children.get_child, "child_account:read_only"))),
                (
                    "/{euuid}/token",
                    resource(POST=change(children.create_token, "child_account:read_write", reads_body=False)),
                ),
            )
        },
        **{
            path: resource(GET=Operation(empty_list(fields), public=True))
            for path, fields in (("/regions", REGIONS), ("/linode/types", TYPES), ("/images", IMAGES))
        },
    }
    auth_request = told_method(catalogue, b"x-original-method")
    forward_auth = told_method(catalogue, b"x-forwarded-method")
    return [
        Route("/verify", VerifyEndpoint(verifier, plain(catalogue), PLAIN_METHODS)),
        Route("/verify/auth-request", VerifyEndpoint(verifier, auth_request, ANY_METHOD)),
        Route("/verify/forward-auth", VerifyEndpoint(verifier, forward_auth, ANY_METHOD)),
        Route(EXT_AUTHZ + "{policy}/{path:path}", VerifyEndpoint(verifier, own_method(catalogue), ANY_METHOD)),
        Route("/verify/batch", resource(VERIFICATION, POST=Operation(batch.verify, reads, counted=False))),
        Route("/verify/explain", resource(VERIFICATION, POST=Operation(explanation.explain, reads))),
        Route("/oauth/revoke", resource(OAUTH, POST=change(revocation.revoke_presented, writes))),
        Route("/oauth/introspect", resource(OAUTH, POST=Operation(introspection.introspect, reads, counted=False))),
        Route("/healthz", Liveness()),
        Route("/readyz", ready),
        Route("/openapi.json", description_as_json(catalogue)),
        Route("/docs", description_as_page(catalogue)),
        *(Route(f"/{version}{path}", managed) for version in VERSIONS for path, managed in management.items()),
    ]


def create_app(table: Sequence[BaseRoute], lifespan: Lifespan[ASGIApp]) -> ASGIApp:
    """Put the routes behind the guard, with a short cut to those that gateways ask on every request."""
    router = Router(table, redirect_slashes=False, default=not_found, lifespan=lifespan)
    verification = [route for route in table if isinstance(route, Route) and isinstance(route.app, VerifyEndpoint)]
    return Guard(router, direct={route.path.partition("{")[0]: route.app for route in verification})

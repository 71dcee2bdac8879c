"""The faces of the service, on one screen: whose tables there are, where they stand, and how each speaks."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan

from tokenry.api.account.table import account_paths, child_account_paths, client_paths
from tokenry.api.activity import activity_paths
from tokenry.api.apps import app_paths
from tokenry.api.audit import audit_paths
from tokenry.api.github import github_paths
from tokenry.api.mail import mail_paths
from tokenry.api.managed.browser import BrowserResource, page_answer_headers
from tokenry.api.managed.table import managed_paths, page_token_paths, service_account_paths
from tokenry.api.notifications import notification_paths
from tokenry.api.policy import policy_paths
from tokenry.api.preferences import preference_paths
from tokenry.api.profile import profile_paths
from tokenry.api.public import public_paths
from tokenry.api.sign_ins import sign_in_paths
from tokenry.api.tokens.table import token_paths
from tokenry.api.webhooks import webhook_paths
from tokenry.api.wire import answer_headers
from tokenry.component.table import component_paths
from tokenry.description.table import description_paths
from tokenry.domain.errors import InsufficientScope
from tokenry.domain.public_url import API_VERSIONS
from tokenry.domain.words import WORDS, Words
from tokenry.gate.table import verification_paths
from tokenry.gate.verify import VerifyEndpoint
from tokenry.oauth.errors import write_error
from tokenry.oauth.metadata import metadata_paths
from tokenry.oauth.parameters import REPEATABLE
from tokenry.oauth.table import oauth_paths, registration_paths
from tokenry.openid.relying_party import OpenIdRelyingParty
from tokenry.pages.page import Checks as PageChecks
from tokenry.pages.page import Page
from tokenry.pages.table import page_paths
from tokenry.pages.throttle import Throttle
from tokenry.service.hashing import Hashing
from tokenry.service.installation import Installation
from tokenry.serving.health import Liveness, Readiness
from tokenry.verification.inspection import Inspector
from tokenry.web.bodies import leave_unread, read_json_object
from tokenry.web.dialect import Dialect
from tokenry.web.errors import STATUS, write_faults
from tokenry.web.forms import FORMS, read_form
from tokenry.web.guard import Guard
from tokenry.web.resource import Checks, Resource, not_found
from tokenry.web.routing import Paths

VERIFICATION = Dialect(
    ("application/json",), read_json_object, answer_headers, STATUS, lambda refusal: write_faults(refusal.faults)
)
"""JSON, and every fault in an envelope."""
WIRE = replace(VERIFICATION, status={**STATUS, InsufficientScope: 401}, words=WORDS.as_recorded())
"""The wire format: the same, but for a scope that does not suffice."""
SIGNED = replace(WIRE, read_body=leave_unread)
"""The same, with bodies that are read once their signature was found right."""
TO_PAGES = replace(VERIFICATION, write_headers=page_answer_headers)
"""The same as the first, to a page of an origin that the operator listed."""
OAUTH = replace(
    VERIFICATION,
    media_types=FORMS,
    read_body=partial(read_form, repeatable=REPEATABLE),
    write_refusal=write_error,
)
"""Forms, and errors as one code (RFC 6749 section 5.2)."""
REGISTRATION = replace(OAUTH, media_types=VERIFICATION.media_types, read_body=read_json_object)
"""The same errors, and JSON (RFC 7591)."""


def routes(
    installation: Installation,
    checks: Checks,
    inspector: Inspector,
    ready: Readiness,
    *,
    words: Words,
    metadata_header: bool,
    page_checks: PageChecks,
    hashing: Hashing,
    throttle: Throttle,
    parties: Sequence[OpenIdRelyingParty],
) -> Sequence[BaseRoute]:
    """Every path of the service. Each application behind one has `methods`; but for pages, `openapi.yaml` has them."""
    wire = partial(Resource, checks, replace(WIRE, words=words.as_recorded()))
    signed = partial(Resource, checks, replace(SIGNED, words=words.as_recorded()))
    verification = partial(Resource, checks, replace(VERIFICATION, words=words))
    oauth, registration = (
        partial(Resource, checks, replace(dialect, words=words.without_texts())) for dialect in (OAUTH, REGISTRATION)
    )
    to_pages = replace(TO_PAGES, words=words)
    browser = partial(BrowserResource, checks, to_pages, installation.page_tokens, installation.allowed_origins)
    paths: dict[str, ASGIApp] = {
        **verification_paths(installation, checks, inspector, words, verification, metadata=metadata_header),
        **oauth_paths(installation, inspector, oauth),
        **registration_paths(installation, registration),
        **page_paths(installation, hashing, throttle, parties, partial(Page, page_checks)),
        **description_paths(installation.catalogue, WIRE, installation.public_url),
        **component_paths(WIRE),
        "/healthz": Liveness(),
        "/readyz": ready,
    }
    paths |= metadata_paths(installation, paths.keys(), oauth)
    management = {
        **token_paths(installation, wire),
        **profile_paths(installation, wire),
        **app_paths(installation, wire),
        **sign_in_paths(installation, wire),
        **account_paths(installation, wire),
        **client_paths(installation, wire),
        **child_account_paths(installation, wire),
        **managed_paths(installation, wire),
        **service_account_paths(installation, wire),
        **activity_paths(installation, wire),
        **audit_paths(installation, wire),
        **page_token_paths(installation, browser),
        **webhook_paths(installation, wire),
        **notification_paths(installation, wire),
        **preference_paths(installation, wire),
        **mail_paths(installation, wire),
        **policy_paths(installation, wire),
        **public_paths(installation, wire),
        **github_paths(installation, signed),
    }
    return [
        *(Route(path, app) for path, app in paths.items()),
        *(Route(f"/{version}{path}", app) for version in API_VERSIONS for path, app in management.items()),
    ]


def create_app(table: Sequence[BaseRoute], lifespan: Lifespan[ASGIApp]) -> ASGIApp:
    """Put the routes behind the guard, with a short cut to what gateways and probes ask all the time."""
    router = Paths(table, default=not_found(WIRE), lifespan=lifespan)
    asked = (VerifyEndpoint, Liveness, Readiness)
    direct = [route for route in table if isinstance(route, Route) and isinstance(route.app, asked)]
    return Guard(router, WIRE, direct={route.path.partition("{")[0]: route.app for route in direct})

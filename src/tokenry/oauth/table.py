"""The paths below `/oauth`."""

from functools import partial

from tokenry.domain.callers import Callers
from tokenry.domain.scopes import READS, VERIFY_READS, WRITES
from tokenry.oauth.device_authorization import DEVICE_LIMIT, begin_device
from tokenry.oauth.introspection import introspect, introspect_for_client
from tokenry.oauth.pushed_requests import push_request
from tokenry.oauth.registration import REGISTRATION_LIMIT, RegistrationEndpoints, no_registration
from tokenry.oauth.revocation import revoke_for_client, revoke_presented
from tokenry.oauth.token import TOKEN_LIMIT, TokenEndpoint
from tokenry.service.installation import Installation
from tokenry.service.registration import Registration
from tokenry.verification.inspection import Inspector
from tokenry.web.resource import Inquiry, MakeResource, Operation, Paths, change, in_thread


def oauth_paths(installation: Installation, inspector: Inspector, resource: MakeResource) -> Paths:
    """Tokens (RFC 6749), their revocation (RFC 7009) and introspection (RFC 7662), and pushed requests (RFC 9126)."""
    introspected = partial(introspect, inspector)
    return {
        "/oauth/token": resource(
            POST=change(TokenEndpoint(installation).give_tokens, who=Callers.ANYBODY, bucket=TOKEN_LIMIT)
        ),
        "/oauth/par": resource(
            POST=change(partial(push_request, installation), who=Callers.ANYBODY, bucket=TOKEN_LIMIT)
        ),
        "/oauth/device_authorization": resource(
            POST=change(partial(begin_device, installation), who=Callers.ANYBODY, bucket=DEVICE_LIMIT)
        ),
        "/oauth/revoke": resource(
            POST=change(
                partial(revoke_presented, installation.revocations),
                WRITES,
                for_clients=change(partial(revoke_for_client, installation), who=Callers.ANYBODY, bucket=TOKEN_LIMIT),
            )
        ),
        "/oauth/introspect": resource(
            POST=Inquiry(
                introspected,
                READS,
                Callers.ADMINISTRATORS,
                counted=False,
                for_clients=Operation(
                    partial(introspect_for_client, installation, inspector), who=Callers.ANYBODY, counted=False
                ),
                for_managers=Operation(in_thread(introspected), VERIFY_READS, Callers.MANAGERS, counted=False),
            )
        ),
    }


def registration_paths(installation: Installation, resource: MakeResource) -> Paths:
    """Clients' registration (RFC 7591) and its management (RFC 7592), as far as the operator has opened it."""
    endpoints = RegistrationEndpoints(installation)
    register = {
        Registration.OFF: change(no_registration, who=Callers.ANYBODY),
        Registration.TOKEN: change(endpoints.register, WRITES, Callers.ADMINISTRATORS),
        Registration.OPEN: change(endpoints.register, who=Callers.ANYBODY, bucket=REGISTRATION_LIMIT),
    }[installation.registration]
    its_own = partial(Operation, who=Callers.ANYBODY, bucket=REGISTRATION_LIMIT)
    return {
        "/oauth/register": resource(POST=register),
        "/oauth/register/{client_id}": resource(
            GET=its_own(endpoints.get_registration),
            PUT=its_own(endpoints.update_registration, changes=True),
            DELETE=its_own(endpoints.delete_registration, changes=True),
        ),
    }

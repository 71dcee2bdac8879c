"""The paths by which a product's backend manages its users and their tokens."""

from tokenry.api.managed.page import PageOperations
from tokenry.api.managed.service_accounts import TOKEN_KEYS, ServiceAccountOperations
from tokenry.api.managed.tokens import ManagedTokenOperations
from tokenry.api.managed.users import ManagedUserOperations, unknown_keys
from tokenry.api.tokens.details import DetailsOperations
from tokenry.api.tokens.effects import Run, checked
from tokenry.api.tokens.operations import TokenOperations
from tokenry.domain.accounts import Origin
from tokenry.domain.callers import Callers
from tokenry.domain.scopes import READS, TOKENS_READS, TOKENS_WRITES, USERS_READS, USERS_WRITES, WRITES
from tokenry.service.installation import Installation
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change

MANAGERS = Callers.MANAGERS
NEW_TOKEN_KEYS = (*TOKEN_KEYS, "metadata", "create_user")
DETAILS_KEYS = ("description", "networks", "requests_per_minute", "disabled", "metadata")


def managed_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/users` and what is below it."""
    users = ManagedUserOperations(installation.managed_users)
    made = ManagedTokenOperations(installation.managed_tokens, installation.page_tokens)
    tokens = TokenOperations(installation.tokens, installation.rotations, installation.policies, users.on_behalf)
    details = DetailsOperations(installation.details, users.on_behalf)
    one = "/tokenry/users/{external_id}"
    return {
        "/tokenry/users": resource(GET=Operation(users.list_users, USERS_READS, MANAGERS)),
        one: resource(
            GET=Operation(users.get_user, USERS_READS, MANAGERS),
            PUT=change(users.put_user, USERS_WRITES, MANAGERS),
            PATCH=change(users.update_user, USERS_WRITES, MANAGERS),
            DELETE=change(users.delete_user, USERS_WRITES, MANAGERS),
        ),
        f"{one}/page-token": resource(POST=change(_knowing(made.create_page_token), TOKENS_WRITES, MANAGERS)),
        f"{one}/tokens": resource(
            GET=Operation(tokens.list_tokens, TOKENS_READS, MANAGERS),
            POST=change(_knowing(made.create_token, *NEW_TOKEN_KEYS), TOKENS_WRITES, MANAGERS),
        ),
        # Before the paths with an id, which would match it.
        f"{one}/tokens/details": resource(GET=Operation(details.list_details, TOKENS_READS, MANAGERS)),
        f"{one}/tokens/policy": resource(GET=Operation(tokens.get_policy, TOKENS_READS, MANAGERS)),
        f"{one}/tokens/revoke-all": resource(POST=change(_knowing(made.revoke_all, "reason"), TOKENS_WRITES, MANAGERS)),
        f"{one}/tokens/{{token_id}}": resource(
            GET=Operation(tokens.get_token, TOKENS_READS, MANAGERS),
            PUT=change(_knowing(tokens.rename_token, "label"), TOKENS_WRITES, MANAGERS),
            DELETE=change(tokens.revoke_token, TOKENS_WRITES, MANAGERS),
        ),
        f"{one}/tokens/{{token_id}}/rotate": resource(
            POST=change(_knowing(tokens.rotate_token, "grace", "activate"), TOKENS_WRITES, MANAGERS)
        ),
        f"{one}/tokens/{{token_id}}/details": resource(
            GET=Operation(details.get_details, TOKENS_READS, MANAGERS),
            PUT=change(_knowing(details.update_details, *DETAILS_KEYS), TOKENS_WRITES, MANAGERS),
        ),
    }


def service_account_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/service-accounts` and what is below it: for administrators, whatever a service account may manage."""
    accounts = ServiceAccountOperations(installation.service_accounts)
    one, administrators = "/tokenry/service-accounts/{username}", Callers.ADMINISTRATORS
    return {
        "/tokenry/service-accounts": resource(
            GET=Operation(accounts.list_service_accounts, READS, administrators),
            POST=change(accounts.create_service_account, WRITES, administrators),
        ),
        one: resource(
            GET=Operation(accounts.get_service_account, READS, administrators),
            PATCH=change(accounts.update_service_account, WRITES, administrators),
            DELETE=change(accounts.delete_service_account, WRITES, administrators),
        ),
        f"{one}/tokens": resource(POST=change(_knowing(accounts.create_token, *TOKEN_KEYS), WRITES, administrators)),
    }


def page_token_paths(installation: Installation, resource: MakeResource) -> Paths:
    """All that a user's own browser does with page tokens. What `resource` makes takes nothing else."""

    def whose(call: Call) -> Origin:
        return installation.page_tokens.on_behalf(call.actor, call.address)

    tokens = TokenOperations(installation.tokens, installation.rotations, installation.policies, whose)
    page = PageOperations(installation.details, installation.policies, installation.catalogue, whose)
    one = "/tokenry/page/tokens/{token_id}"
    return {
        "/tokenry/page/scopes": resource(GET=Operation(page.list_scopes)),
        "/tokenry/page/tokens": resource(
            GET=Operation(page.list_tokens),
            POST=change(_knowing(tokens.create_token, "label", "scopes", "expiry")),
        ),
        # Before the paths with an id, which would match it.
        "/tokenry/page/tokens/policy": resource(GET=Operation(tokens.get_policy)),
        one: resource(
            PUT=change(_knowing(tokens.rename_token, "label")),
            DELETE=change(tokens.revoke_token),
        ),
        f"{one}/rotate": resource(POST=change(_knowing(tokens.rotate_token, "grace", "activate"))),
    }


def _knowing(run: Run, *keys: str) -> Run:
    """An operation whose body may have these keys, and no others: what means nothing here is told, not ignored."""
    return checked(run, lambda body: unknown_keys(body, keys))

"""The paths of accounts. Most are for administrators."""

from tokenry.api.account.accounts import AccountOperations
from tokenry.api.account.children import ChildOperations
from tokenry.api.account.clients import ClientOperations
from tokenry.api.account.inventory import InventoryOperations
from tokenry.api.account.users import UserOperations
from tokenry.domain.callers import Callers
from tokenry.domain.scopes import CHILDREN_READS, CHILDREN_WRITES, READS, WRITES
from tokenry.service.installation import Installation
from tokenry.web.resource import MakeResource, Operation, Paths, change

ADMINISTRATORS, PARENTS = Callers.ADMINISTRATORS, Callers.PARENTS


def account_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/account` and what is below it, but for child accounts."""
    accounts = AccountOperations(installation.accounts)
    inventory = InventoryOperations(installation.inventory)
    users = UserOperations(installation)
    return {
        "/account": resource(
            GET=Operation(accounts.get_account, READS, ADMINISTRATORS),
            PUT=change(accounts.update_account, WRITES, ADMINISTRATORS),
        ),
        "/account/tokens": resource(GET=Operation(inventory.list_tokens, READS, ADMINISTRATORS)),
        "/account/tokens/export": resource(GET=Operation(inventory.export_tokens, READS, ADMINISTRATORS)),
        "/account/tokens/disable": resource(POST=change(inventory.disable_tokens, WRITES, ADMINISTRATORS)),
        "/account/tokens/enable": resource(POST=change(inventory.enable_tokens, WRITES, ADMINISTRATORS)),
        "/account/tokens/revoke": resource(POST=change(inventory.revoke_tokens, WRITES, ADMINISTRATORS)),
        "/account/users": resource(
            GET=Operation(users.list_users, READS, ADMINISTRATORS),
            POST=change(users.create_user, WRITES, ADMINISTRATORS),
        ),
        "/account/users/{username}": resource(
            GET=Operation(users.get_user, READS, ADMINISTRATORS),
            PUT=change(users.update_user, WRITES, ADMINISTRATORS),
            DELETE=change(users.delete_user, WRITES, ADMINISTRATORS),
        ),
        "/account/users/{username}/grants": resource(
            GET=Operation(users.get_grants, READS, ADMINISTRATORS),
            PUT=change(users.update_grants, WRITES, ADMINISTRATORS),
        ),
        "/account/users/{username}/details": resource(
            GET=Operation(users.get_details, READS, ADMINISTRATORS),
            PUT=change(users.update_details, WRITES, ADMINISTRATORS),
        ),
        "/account/users/{username}/link": resource(
            POST=change(users.create_link, WRITES, ADMINISTRATORS, reads_body=False)
        ),
    }


def client_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/account/oauth-clients` and what is below it."""
    clients = ClientOperations(installation.account_clients, installation.catalogue)
    one = "/account/oauth-clients/{client_id}"
    # The wire format has a dash, and linode_api4 an underscore.
    resetting = resource(POST=change(clients.reset_secret, WRITES, ADMINISTRATORS, reads_body=False))
    return {
        "/account/oauth-clients": resource(
            GET=Operation(clients.list_clients, READS, ADMINISTRATORS),
            POST=change(clients.create_client, WRITES, ADMINISTRATORS),
        ),
        one: resource(
            GET=Operation(clients.get_client, READS, ADMINISTRATORS),
            PUT=change(clients.update_client, WRITES, ADMINISTRATORS),
            DELETE=change(clients.delete_client, WRITES, ADMINISTRATORS),
        ),
        f"{one}/details": resource(
            GET=Operation(clients.get_details, READS, ADMINISTRATORS),
            PUT=change(clients.update_details, WRITES, ADMINISTRATORS),
        ),
        **dict.fromkeys((f"{one}/reset-secret", f"{one}/reset_secret"), resetting),
        f"{one}/thumbnail": resource(
            GET=Operation(clients.get_thumbnail, READS, ADMINISTRATORS),
            PUT=change(clients.set_thumbnail, WRITES, ADMINISTRATORS, reads_body=False),
        ),
    }


def child_account_paths(installation: Installation, resource: MakeResource) -> Paths:
    """The same below `/account` and where the wire format has put it since."""
    children = ChildOperations(installation.children)
    paths = {
        "": resource(GET=Operation(children.list_children, CHILDREN_READS, PARENTS)),
        "/{euuid}": resource(GET=Operation(children.get_child, CHILDREN_READS, PARENTS)),
        "/{euuid}/token": resource(POST=change(children.create_token, CHILDREN_WRITES, PARENTS, reads_body=False)),
    }
    places = ("/account", "/iam/delegation/profile")
    return {f"{place}/child-accounts{path}": managed for place in places for path, managed in paths.items()}

"""The operations on the child accounts of a parent account."""

from tokenry.api.lists import read_list
from tokenry.api.wire import write_page, write_token
from tokenry.api.wire_accounts import write_account
from tokenry.domain.filters import Kind
from tokenry.service.children import Children
from tokenry.web.requests import Call

FILTERABLE = dict.fromkeys(
    (
        "address_1",
        "address_2",
        "city",
        "company",
        "country",
        "email",
        "first_name",
        "last_name",
        "phone",
        "state",
        "zip",
    ),
    Kind.TEXT,
)


class ChildOperations:
    """`/account/child-accounts`, `/account/child-accounts/{euuid}` and `/account/child-accounts/{euuid}/token`.

    The same stands under `/iam/delegation/profile`, which the wire format has put in its place.
    """

    def __init__(self, children: Children) -> None:
        self._children = children

    def list_children(self, call: Call) -> object:
        """GET the child accounts, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._children.list_children(call.actor, request, filter), write_account)

    def get_child(self, call: Call) -> object:
        """GET one."""
        return write_account(self._children.get_child(call.actor, call.path["euuid"]))

    def create_token(self, call: Call) -> object:
        """POST a token for it; clients send whatever they like as the body."""
        token, secret = self._children.create_token(call.origin, call.path["euuid"])
        return write_token(token, secret)

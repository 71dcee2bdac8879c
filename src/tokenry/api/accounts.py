"""The operations on accounts."""

from tokenry.api.operation import Call
from tokenry.api.wire_accounts import write_account
from tokenry.service.accounts import Accounts


class AccountOperations:
    """`/account`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def get_account(self, call: Call) -> object:
        """GET the caller's account."""
        return write_account(self._accounts.get_account(call.actor))

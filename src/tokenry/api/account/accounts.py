"""The operations on accounts."""

from tokenry.api.wire_accounts import read_account_change, write_account
from tokenry.service.accounts import Accounts
from tokenry.web.requests import Call


class AccountOperations:
    """`/account`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def get_account(self, call: Call) -> object:
        """GET the caller's account."""
        return write_account(self._accounts.get_account(call.actor))

    def update_account(self, call: Call) -> object:
        """PUT another name, address or other words about it; a key that is left out leaves things as they are."""
        change = read_account_change(call.body)
        return write_account(self._accounts.update_own(call.origin, change))

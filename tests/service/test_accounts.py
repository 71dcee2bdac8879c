"""Accounts: their identities."""

import re

from tokenry.service.accounts import new_euuid


def test_identity_of_an_account_is_in_the_form_of_the_wire_format() -> None:
    assert re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{16}", new_euuid())


def test_no_two_accounts_have_the_same_identity() -> None:
    assert len({new_euuid() for _ in range(1000)}) == 1000

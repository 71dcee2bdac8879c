"""The rules for accounts, and the names of proxy users."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.accounts import company_faults, proxy_username

EUUID = "E89C475E-7476-4B95-95EA82BB4EE866E3"


def test_proxy_user_is_called_by_its_parent_and_both_accounts() -> None:
    digest = sha256(b"Parent Company of many words" + EUUID.encode()).hexdigest()[:16]
    name = proxy_username(parent_company="Parent Company of many words", child_euuid=EUUID)
    assert name == f"Parent-Company-_{digest}"


@pytest.mark.parametrize(
    ("company", "shown"),
    [
        ("tokenry", "tokenry"),
        ("A.B_C-d", "A.B_C-d"),
        ("Zürich AG", "Z-rich-AG"),
        ("株式会社", "x---"),
        (".com", "xcom"),
    ],
)
def test_what_is_in_no_username_is_replaced(company: str, shown: str) -> None:
    assert proxy_username(parent_company=company, child_euuid=EUUID).rpartition("_")[0] == shown


def test_companies_that_look_alike_have_different_users() -> None:
    assert proxy_username(parent_company="ä", child_euuid=EUUID) != proxy_username(
        parent_company="ö", child_euuid=EUUID
    )


@given(st.text(min_size=1, max_size=128).filter(str.isprintable))
def test_every_company_makes_a_name_that_is_safe_in_headers(company: str) -> None:
    name = proxy_username(parent_company=company, child_euuid=EUUID)
    assert re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]{0,14}_[0-9a-f]{16}", name)


@pytest.mark.parametrize("company", ["x", "Zürich AG", "x" * 128, "株式会社"])
def test_printable_name_is_fine(company: str) -> None:
    assert company_faults(company) == []


@pytest.mark.parametrize("company", ["", "x" * 129, "a\nb", "a\0b", "\ud800"])
def test_other_names_are_refused(company: str) -> None:
    assert [fault.field for fault in company_faults(company)] == ["company"]

"""Identities and refusals."""

import pytest

from tests.middleware.applications import ADA
from tokenry.middleware import Refused


@pytest.mark.parametrize("scopes", ["linodes:read_only", "", "linodes:read_only linodes:read_only"])
def test_identity_may_what_its_scopes_cover(scopes: str) -> None:
    assert ADA.may(scopes)


@pytest.mark.parametrize("scopes", ["linodes:read_write", "*", "linodes:read_only volumes:read_only"])
def test_identity_may_nothing_else(scopes: str) -> None:
    assert not ADA.may(scopes)


def test_misspelt_scope_is_an_error_and_no_answer() -> None:
    with pytest.raises(ValueError, match="linodes"):
        ADA.may("linodes")


def test_headers_of_a_refusal() -> None:
    assert Refused(401, b"{}", "Bearer").headers == [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("Content-Length", "2"),
        ("WWW-Authenticate", "Bearer"),
    ]
    assert dict(Refused(503, b"{}").headers).keys() == {"Content-Type", "Cache-Control", "Content-Length"}

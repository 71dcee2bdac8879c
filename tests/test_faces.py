"""How refusals are written: every one has a status in every dialect, and OAuth's words are those it registered."""

import re

import pytest

from tokenry.domain.errors import Fault, InsufficientScope, Invalid
from tokenry.faces import OAUTH, VERIFICATION, WIRE
from tokenry.web.dialect import Dialect
from tokenry.web.errors import STATUS


@pytest.mark.parametrize("dialect", [WIRE, VERIFICATION, OAUTH], ids=["wire", "verification", "oauth"])
def test_every_refusal_has_a_status(dialect: Dialect) -> None:
    assert dialect.status.keys() == STATUS.keys()


def test_scope_that_does_not_suffice_is_the_only_difference() -> None:
    assert WIRE.status == {**STATUS, InsufficientScope: 401}
    assert VERIFICATION.status == OAUTH.status == {**STATUS, InsufficientScope: 403}


def test_faults_become_one_description_in_the_characters_of_oauth() -> None:
    body = OAUTH.write_refusal(Invalid(Fault("Must be sent", "token"), Fault("Must be an IP address", "address")))
    assert body == {
        "error": "invalid_request",
        "error_description": "token: Must be sent; address: Must be an IP address",
    }
    assert re.fullmatch(r"[ !#-\[\]-~]+", body["error_description"])  # RFC 6749 section 5.2

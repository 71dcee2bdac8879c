"""One-time passwords: as the standard has them, and no further off than one step."""

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.making import NOW
from tokenry.domain.one_time_passwords import STEP_SECONDS, find_step, generate_key, group_key, key_address

KEY = b32encode(b"12345678901234567890").decode()
"""That of RFC 6238, whose appendix B has these times and codes (of eight digits, of which ours are the last six)."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_code_is_that_of_the_standard(seconds: int, code: str) -> None:
    assert find_step(KEY, code, datetime.fromtimestamp(seconds, UTC)) == seconds // STEP_SECONDS


def test_code_is_taken_one_step_before_and_after_and_no_further() -> None:
    at = datetime.fromtimestamp(1_111_111_110, UTC)  # the first second of a step
    step = 1_111_111_110 // STEP_SECONDS
    found = [find_step(KEY, "050471", at + timedelta(seconds=seconds)) for seconds in (-31, -30, 0, 29, 59, 60)]
    assert found == [None, step, step, step, step, None]


@pytest.mark.parametrize("code", ["", "05047", "0504710", "05047a", " 50471", "٠٥٠٤٧١", "050471\n", "\ud800" * 6])
def test_what_is_no_code_is_none(code: str) -> None:
    assert find_step(KEY, code, datetime.fromtimestamp(1_111_111_110, UTC)) is None


def test_key_is_of_chance_and_is_shown_in_groups() -> None:
    assert generate_key() != generate_key()
    key = generate_key(lambda length: bytes(range(length)))
    assert (len(key), group_key(key)) == (32, "AAAQ EAYE AUDA OCAJ BIFQ YDIO B4IB CEQT")
    assert find_step(key, "000000", NOW) is None


def test_address_names_the_user_and_the_service() -> None:
    address = urlsplit(key_address(KEY, username="ada", issuer="tokens.example.com"))
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/tokens.example.com:ada")
    assert query == {"secret": [KEY], "issuer": ["tokens.example.com"]}

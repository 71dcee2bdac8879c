"""Addresses and networks: how they are written, and who is let in from them."""

import pytest

from tokenry.domain.networks import ANYWHERE, allows, read_network, stored_networks

OFFICE = stored_networks("192.0.2.0/24 2001:db8::/32")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.7", "203.0.113.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0:0::/32", "2001:db8::/32"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1/128"),
        ("::/0", "::/0"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:cb00:7100/120", "203.0.113.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ],
)
def test_network_has_one_spelling(text: str, canonical: str) -> None:
    assert str(read_network(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 203.0.113.7",
        "203.0.113.7\n",
        "203.0.113.1/24",  # bits beyond the prefix
        "203.0.113.0/33",
        "203.0.113.0/",
        "203.0.113.0/24/24",
        "203.0.113.0/255.255.255.0",
        "203.0.113.0/-1",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.07",
        "3405803783",
        "2001:db8::1/32",
        "2001:db8::/129",
        "fe80::1%eth0",
        "::ffff:203.0.113.7/120",
        "localhost",
        "٢٠٣.0.113.7",
        "1" * 5000,
    ],
)
def test_text_that_is_no_network_is_refused(text: str) -> None:
    assert read_network(text) is None


@pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.7"])
def test_address_within_is_let_in(address: str) -> None:
    assert allows(OFFICE, address)


@pytest.mark.parametrize(
    "address", ["192.0.3.1", "2001:db9::1", "::ffff:192.0.3.1", "", None, "unknown", "192.0.2.1:80"]
)
def test_address_without_or_unknown_is_not(address: str | None) -> None:
    assert not allows(OFFICE, address)


@pytest.mark.parametrize("address", ["192.0.2.1", None])
def test_token_without_ranges_is_for_anywhere(address: str | None) -> None:
    assert stored_networks("") == ANYWHERE
    assert allows(ANYWHERE, address)

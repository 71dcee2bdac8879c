"""Seals: nobody else opens them, or opens them for something else; and tickets that browsers bring back."""

import string
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest

from tests.devices import read_base64
from tests.making import NOW
from tokenry.domain.seals import TICKET_LENGTH_MAX, Seal, Tickets
from tokenry.domain.secrets import Peppers

PEPPERS = Peppers((bytes(32),))
LATER = Peppers((bytes(32), bytes([1]) * 32))
MINUTE = timedelta(minutes=1)
BASE64 = string.ascii_letters + string.digits + "-_"


def test_what_is_sealed_is_opened_by_the_same_peppers_for_the_same_purpose_and_binding() -> None:
    sealed = Seal(PEPPERS, "one").close(b"key", "1")
    assert Seal(PEPPERS, "one").open(sealed, "1") == b"key"
    assert Seal(PEPPERS, "one").open(sealed, "2") is None
    assert Seal(PEPPERS, "two").open(sealed, "1") is None
    assert Seal(Peppers((bytes([1]) * 32,)), "one").open(sealed, "1") is None


def test_newer_pepper_opens_what_an_older_one_sealed_and_not_the_other_way_round() -> None:
    sealed = Seal(PEPPERS, "one").close(b"key", "1")
    assert Seal(LATER, "one").open(sealed, "1") == b"key"
    assert Seal(PEPPERS, "one").open(Seal(LATER, "one").close(b"key", "1"), "1") is None


def test_every_changed_bit_is_noticed_and_every_cut() -> None:
    seal = Seal(PEPPERS, "one")
    sealed = seal.close(b"key", "1")
    for at in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[at // 8] ^= 1 << at % 8
        assert seal.open(bytes(changed), "1") is None
    assert all(seal.open(sealed[:length], "1") is None for length in range(len(sealed)))


def test_no_two_seals_are_the_same_and_none_holds_what_it_seals() -> None:
    seal = Seal(PEPPERS, "one")
    sealed = {seal.close(b"content", "1") for _ in range(10)}
    assert len(sealed) == 10
    assert not any(b"content" in each for each in sealed)


def test_ticket_comes_back_until_it_expires() -> None:
    tickets = Tickets(PEPPERS, "step", MINUTE)
    text = tickets.issue({"user": 7}, bound_to="browser", now=NOW)
    ticket = tickets.read(text, bound_to="browser", now=NOW + MINUTE - timedelta(seconds=1))
    assert ticket is not None
    assert (ticket.values, ticket.expires) == ({"user": 7}, NOW + MINUTE)
    assert tickets.read(text, bound_to="browser", now=NOW + MINUTE) is None
    assert tickets.read(text, bound_to="another browser", now=NOW) is None
    assert Tickets(PEPPERS, "other step", MINUTE).read(text, bound_to="browser", now=NOW) is None


def test_ticket_is_the_same_one_however_it_is_written() -> None:
    """Else one that was used could be used again, with other bits where base 64 has none."""
    tickets = Tickets(PEPPERS, "step", MINUTE)
    issued = (tickets.issue({"x": "x" * length}, bound_to="", now=NOW) for length in range(3))
    text = next(text for text in issued if text[-2] != "=" and text[-1] == "=")
    spellings = [
        f"{text[:-2]}{last}=" for last in BASE64 if urlsafe_b64decode(f"{text[:-2]}{last}=") == read_base64(text)
    ]
    tickets_read = [tickets.read(each, bound_to="", now=NOW) for each in (*spellings, f"{text}=")]
    assert len(spellings) > 1
    assert len({ticket and ticket.digest for ticket in tickets_read}) == 1


@pytest.mark.parametrize("text", ["", "x", "====", "ä", "\0", "A" * (TICKET_LENGTH_MAX + 1), "\ud800", "AQ=="])
def test_what_is_no_ticket_is_none(text: str) -> None:
    assert Tickets(PEPPERS, "step", MINUTE).read(text, bound_to="", now=NOW) is None


def test_ticket_does_not_show_what_was_sealed() -> None:
    tickets = Tickets(PEPPERS, "step", MINUTE)
    ticket = tickets.read(tickets.issue({"key": "JBSWY3DP"}, bound_to="browser", now=NOW), bound_to="browser", now=NOW)
    assert ticket is not None
    assert "JBSWY3DP" not in repr(ticket)

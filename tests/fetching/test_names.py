"""Resolving names: within a time, a few at once, and whatever becomes of it."""

import socket
import threading
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from tokenry.fetching.names import RESOLVING_MAX, Names, NoRoom

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))]


@pytest.fixture
def slow() -> Iterator[threading.Event]:
    """The system's resolver, which answers when the event is set."""
    done = threading.Event()

    def resolve(*_: object, **__: object) -> object:
        done.wait(10)
        return FOUND

    with patch.object(socket, "getaddrinfo", side_effect=resolve):
        yield done
        done.set()


def threads() -> int:
    return sum(thread.name == "resolving" for thread in threading.enumerate())


def test_names_that_nobody_waits_for_any_more_are_few_and_make_room_when_they_end(slow: threading.Event) -> None:
    names, before, began = Names(), threads(), time.monotonic()
    for _ in range(RESOLVING_MAX + 3):
        with pytest.raises(TimeoutError):
            names.find_addresses("slow.example", 443, 0.02)
    assert threads() - before == RESOLVING_MAX
    assert time.monotonic() - began < 2
    slow.set()
    assert names.find_addresses("slow.example", 443, 5) == ["8.8.8.8"]


def test_wait_for_room_is_part_of_the_time(slow: threading.Event) -> None:
    names = Names()
    for _ in range(RESOLVING_MAX):
        with pytest.raises(TimeoutError):
            names.find_addresses("slow.example", 443, 0)
    began = time.monotonic()
    with pytest.raises(NoRoom):
        names.find_addresses("slow.example", 443, 0.1)
    assert 0.1 <= time.monotonic() - began < 2


@pytest.mark.parametrize("literal", ["192.0.2.1", "2001:db8::1"])
def test_address_that_is_a_number_needs_no_room(slow: threading.Event, literal: str) -> None:
    names = Names()
    for _ in range(RESOLVING_MAX):
        with pytest.raises(TimeoutError):
            names.find_addresses("slow.example", 443, 0)
    assert names.find_addresses(literal, 443, 0) == [literal]


@pytest.mark.parametrize(
    ("error", "told"), [(socket.gaierror("nobody"), "nobody"), (UnicodeError("label too long"), "it is no name")]
)
def test_what_is_no_name_or_is_unknown_is_an_error_and_leaves_room(error: Exception, told: str) -> None:
    names = Names()
    with patch.object(socket, "getaddrinfo", side_effect=error):
        for _ in range(RESOLVING_MAX + 1):
            with pytest.raises(OSError, match=told):
                names.find_addresses("nowhere.example", 443, 5)

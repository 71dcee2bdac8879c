"""Of those who present one code or token at the same moment, each to another process, one is given something."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import httpx2
import pytest

from tests.grants.house import House
from tests.grants.parts import USED, CodeExchange, DeviceCodeExchange, End, GrantChange, Refresh, access_of
from tests.oauth.parts import TOKEN, error, with_refresh_token

SECONDS_MAX = 20
HEAD_START_SECONDS = 0.001
often = pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.long)])


def at_once(requests: Sequence[Callable[[], httpx2.Response]]) -> list[httpx2.Response]:
    """Send some requests at the same moment."""
    together = Barrier(len(requests))

    def send(request: Callable[[], httpx2.Response]) -> httpx2.Response:
        together.wait(SECONDS_MAX)
        return request()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def present_to_all(change: GrantChange) -> httpx2.Response:
    """Send the same to all processes; what the one was given that was not told that it was used before."""
    processes = change.house.processes
    answers = at_once([partial(change.send, process) for process in processes])
    [given] = [answer for answer in answers if answer.status_code == 200]
    assert Counter(error(answer) for answer in answers if answer is not given) == {USED: len(processes) - 1}
    return given


@often
def test_code_that_all_present_brings_one_token_which_ends(rivals: House, rounds: int) -> None:
    for _ in range(rounds):
        change = CodeExchange(rivals)
        access = access_of(present_to_all(change))
        assert rivals.verdicts(access) == {401}
        assert (rivals.made_for(change.client), rivals.usable_by(change.client)) == (1, 0)


@often
def test_refresh_token_that_all_present_ends_its_grant(rivals: House, rounds: int) -> None:
    for _ in range(rounds):
        change = Refresh(rivals)
        given = present_to_all(change)
        assert rivals.verdicts(*change.access, access_of(given)) == {401}
        assert (rivals.made_for(change.client), rivals.usable_by(change.client)) == (2, 0)


@often
def test_device_code_that_all_present_brings_one_token(rivals: House, rounds: int) -> None:
    for _ in range(rounds):
        change = DeviceCodeExchange(rivals)
        rivals.remember(access_of(present_to_all(change)))
        assert rivals.made_for(change.client) == 1


def send_after(seconds: float, request: Callable[[], httpx2.Response]) -> httpx2.Response:
    """Send a request a little later than those beside it."""
    time.sleep(seconds)
    return request()


@often
def test_client_that_is_turned_out_while_it_refreshes_has_nothing(rivals: House, rounds: int) -> None:
    """Each line is refreshed by another process, but for the one that turns the client out.

    An end is the shorter work and mostly comes first: refreshes get a head start, and more of it while they lose.
    """
    told: Counter[int] = Counter()
    number, head_start = 0, 0.0
    while number < rounds or (not told[200] and head_start < SECONDS_MAX):
        change = End(rivals)
        ends = number % len(rivals.processes)
        refreshes = [
            partial(process.post, TOKEN, data=with_refresh_token(change.client, token))
            for process, token in zip(
                [*rivals.processes[:ends], *rivals.processes[ends + 1 :]], change.refresh, strict=False
            )
        ]
        ended, *refreshed = at_once(
            [partial(send_after, head_start, partial(change.send, rivals.processes[ends])), *refreshes]
        )
        assert ended.status_code == 200
        given = [access_of(answer) for answer in refreshed if answer.status_code == 200]
        assert {error(answer) for answer in refreshed if answer.status_code != 200} <= {USED}
        assert rivals.verdicts(*change.access, *given) == {401}
        assert rivals.usable_by(change.client) == 0
        told.update(answer.status_code for answer in refreshed)
        number, head_start = number + 1, 0.0 if given else 2 * head_start + HEAD_START_SECONDS
    assert told[200], "no refresh came before the end"

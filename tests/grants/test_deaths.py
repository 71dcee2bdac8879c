"""A process that dies in a change of grants leaves all of it behind or nothing: no second token, no line half alive.

It dies between every two effects of the change (`doomed.py`): in turn, so many as a run that nobody killed has counted.
"""

import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import httpx2
import pytest

from tests.grants.doomed import COMMIT, PROGRAM, REACHED
from tests.grants.house import House, connect
from tests.grants.parts import CHANGES, CodeExchange, End, GrantChange, Refresh
from tests.servers import Server, serving

SECONDS_MAX = 20


@contextmanager
def doomed(house: House, dies_at: int | None = None) -> Iterator[tuple[Server, httpx2.Client]]:
    """A further process of the service, which dies at this point of a request, or only tells the points."""
    settings = house.settings
    variables = {"TOKENRY_DATABASE_URL": settings.database_url} if settings.database_url else {}
    variables |= {} if dies_at is None else {"DIES_AT": str(dies_at)}
    with serving(settings.data_dir, variables=variables, program=PROGRAM) as server, connect(server) as process:
        yield server, process


def live_through(house: House, kind: type[GrantChange]) -> tuple[Sequence[str], Counter[str]]:
    """Do it where nobody dies: the points that it has, and what it changes."""
    change = kind(house)
    house.await_repair()
    before = house.content()
    with doomed(house) as (server, process):
        change.send(process)
        points = REACHED.findall(server.log)
        server.kill()
    whole = difference(house, before)
    change.prove(done=True)
    assert points.count(COMMIT) == 1, "it is not one transaction"
    return points, whole


def die_at(house: House, change: GrantChange, number: int) -> str:
    """Do it where the process dies at the point with this number; that point."""
    with doomed(house, number) as (server, process):
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            change.send(process)
        assert server.process.wait(SECONDS_MAX) == -signal.SIGKILL
        return str(REACHED.findall(server.log)[-1])


def difference(house: House, before: Counter[str]) -> Counter[str]:
    """What of the content of the database is more or less than before."""
    after = house.content()
    after.subtract(before)
    return Counter({name: number for name, number in after.items() if number})


@pytest.mark.parametrize("kind", [CodeExchange, Refresh, End])
def test_whoever_dies_beside_the_commit_has_done_all_or_nothing(house: House, kind: type[GrantChange]) -> None:
    points, whole = live_through(house, kind)
    committed = points.index(COMMIT)
    prove(house, kind, points, whole, at=[committed, committed + 1])


@pytest.mark.long
@pytest.mark.parametrize("kind", CHANGES)
def test_whoever_dies_has_done_all_or_nothing(house: House, kind: type[GrantChange]) -> None:
    points, whole = live_through(house, kind)
    prove(house, kind, points, whole, at=range(len(points)))


def prove(
    house: House, kind: type[GrantChange], points: Sequence[str], whole: Counter[str], *, at: Iterable[int]
) -> None:
    """Have a process die at each of these points, and hold what is there against all, or nothing."""
    for number in at:
        change = kind(house)
        house.await_repair()
        before = house.content()
        assert die_at(house, change, number) == points[number]
        done = number > points.index(COMMIT)
        assert difference(house, before) == (whole if done else {}), points[: number + 1]
        change.prove(done=done)

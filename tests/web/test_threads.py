"""Threads for operations: who gets one, who waits, and for how long."""

import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from anyio import create_task_group

from tests.api.parts import routes
from tests.conftest import App, Clock, make_app
from tokenry.domain.errors import Unavailable
from tokenry.settings import Settings
from tokenry.storage.database import READERS_MAX
from tokenry.storage.deadline import seconds_left
from tokenry.web.errors import TooManyRequests
from tokenry.web.resource import Inquiry, Resource
from tokenry.web.threads import ABANDONED_AFTER_SECONDS, SHARE_MAX, Threads

ANSWER_SECONDS_MAX = 8
"""Less than the ten seconds that clients wait."""


async def beside(threads: Threads, busy: dict[str, int], ask: Callable[[], Awaitable[None]]) -> None:
    """Do something while these users hold so many threads for reading each."""
    over = threading.Event()
    held = anyio.Semaphore(0)

    async def hold(who: str) -> None:
        await threads.run(lambda: (anyio.from_thread.run_sync(held.release), over.wait()), who=who)

    async with create_task_group() as tasks:
        for who, number in busy.items():
            for _ in range(number):
                tasks.start_soon(hold, who)
        for _ in range(sum(busy.values())):
            await held.acquire()
        try:
            await ask()
        finally:
            over.set()


def test_user_who_holds_a_share_waits_and_is_told_so_and_nobody_else_is() -> None:
    async def ask() -> None:
        with pytest.raises(TooManyRequests):
            await threads.run(int, who="ada", spent=threads.seconds - 0.1)
        assert await threads.run(int, who="bob") == 0

    threads = Threads(20)
    anyio.run(beside, threads, {"ada": SHARE_MAX}, ask)


@pytest.mark.parametrize(("method", "path"), [("GET", "/v4/profile"), ("POST", "/oauth/revoke")])
def test_whoever_is_told_so_is_told_when_to_ask_again(
    app: App, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    """Also where nothing is counted, so that there is no minute to wait for."""

    async def run(*_: object, **__: object) -> None:
        raise TooManyRequests

    monkeypatch.setattr(Threads, "run", run)
    form = {"token": "x"} if method == "POST" else None
    answer = app.client.request(method, path, headers=app.bearer, data=form)
    assert (answer.status_code, answer.headers.get_list("retry-after")) == (429, ["1"])


def test_whoever_waited_in_vain_with_requests_left_need_not_wait_for_the_next_minute(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: object, **__: object) -> None:
        raise TooManyRequests

    monkeypatch.setattr(Threads, "run", run)
    app = make_app(tmp_path / "data", clock, rate_limit=1)
    with app.client:
        answers = [app.client.get("/v4/profile", headers=app.bearer) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["0", "0"]
    assert [answer.headers.get_list("retry-after") for answer in answers] == [["1"], ["20"]]


def test_those_who_read_hold_up_nobody_who_changes_something() -> None:
    async def ask() -> None:
        with pytest.raises(Unavailable):
            await threads.run(int, who="eve", spent=threads.seconds - 0.1)
        assert await threads.run(int, who="eve", writes=True) == 0

    threads = Threads(20)
    anyio.run(beside, threads, {str(number): SHARE_MAX for number in range(READERS_MAX // SHARE_MAX)}, ask)


def test_share_is_free_again_and_forgotten() -> None:
    async def ask() -> None:
        for _ in range(3 * SHARE_MAX):
            await threads.run(int, who="ada")

    threads = Threads(20)
    anyio.run(ask)
    assert not threads._shares


def test_work_that_hangs_is_left_to_itself() -> None:
    over = threading.Event()
    started = time.monotonic()

    async def ask() -> None:
        with pytest.raises(Unavailable):
            await Threads(0.1).run(over.wait, who="ada")
        over.set()

    anyio.run(ask)
    assert time.monotonic() - started < 5


def test_work_knows_how_long_its_caller_waits() -> None:
    async def ask() -> float:
        return await Threads(100).run(seconds_left, who="ada", spent=40)

    assert 50 < anyio.run(ask) <= 60


def test_answers_come_before_clients_give_up() -> None:
    assert Settings().request_timeout + ABANDONED_AFTER_SECONDS < ANSWER_SECONDS_MAX


def test_what_changes_something_has_the_threads_for_it(app: App) -> None:
    operations = [
        (method, operation)
        for route in routes(app)
        if isinstance(route.app, Resource)
        for method, operation in route.app.operations.items()
    ]
    for method, operation in operations:
        if method in {"GET", "HEAD"} or operation.needs.endswith("read_only"):
            assert not operation.changes
        else:
            assert operation.changes


def test_what_only_asks_the_verifier_needs_no_thread(app_on_each_engine: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on_each_engine
    inquiries = {
        route.path: route.app
        for route in routes(app)
        if isinstance(route.app, Resource)
        if any(isinstance(operation, Inquiry) for operation in route.app.operations.values())
    }
    bodies = {
        "/verify/batch": ("application/json", f'{{"tokens": ["{app.token}", "x"]}}'),
        "/oauth/introspect": ("application/x-www-form-urlencoded", f"token={app.token}"),
    }
    assert inquiries.keys() == bodies.keys()

    async def run(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Threads, "run", run)
    for path, (kind, body) in bodies.items():
        answer = app.client.post(path, headers={**app.bearer, "Content-Type": kind}, content=body)
        assert answer.status_code == 200
        assert "true" in answer.text

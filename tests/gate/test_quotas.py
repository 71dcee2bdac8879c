"""Limits of tokens, by which questions with a cost are counted: both ways count, answer and refuse alike."""

import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.parts import Served, head
from tokenry.domain.limits import COST_MAX
from tokenry.domain.secrets import Secret

SECONDS = 60
UNKNOWN = Secret.generate(random.Random(2).randbytes).reveal()
RESET = re.compile(rb"(?<=x-ratelimit-reset: )[0-9]+")
QUESTIONS = {
    "free": "GET /verify",
    "one": "GET /verify?cost=1",
    "two": "HEAD /verify?scope=linodes:read_only&cost=2",
    "three": "POST /verify/ext-authz/cost=3/a",
    "more": "GET /verify?cost=4",
    "refused": "GET /verify?scope=linodes:read_write&cost=1",
    "wrong": "GET /verify?cost=x",
}


def ask(served: Served, questions: Sequence[str], *, fast: bool, name: str = "limited") -> list[bytes]:
    """The answers in a minute of their own, the way they come but for the minute."""
    served.clock.seconds += SECONDS
    authorization = f"Authorization: Bearer {served.secrets[name]}"
    answers = [served.exchange([head(QUESTIONS[each], authorization)], fast=fast)[0] for each in questions]
    return [RESET.sub(b"", answer) for answer in answers]


def left(answer: bytes) -> tuple[bytes, bytes | None]:
    """The status, and what is said to be left."""
    found = re.search(rb"x-ratelimit-remaining: ([0-9]+)", answer)
    return answer[9:12], None if found is None else found[1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(QUESTIONS)), max_size=6))
def test_both_ways_count_alike_whatever_is_asked(served: Served, questions: list[str]) -> None:
    assert ask(served, questions, fast=True) == ask(served, questions, fast=False)


@pytest.mark.parametrize("fast", [True, False])
def test_only_what_is_accepted_counts(served: Served, fast: bool) -> None:  # noqa: FBT001 - both ways
    asked = ["one", "free", "refused", "wrong", "two", "one", "more", "free"]
    assert [left(answer) for answer in ask(served, asked, fast=fast)] == [
        (b"200", b"2"),
        (b"200", None),
        (b"403", None),
        (b"400", None),
        (b"200", b"0"),
        (b"429", b"0"),
        (b"429", b"0"),
        (b"200", None),
    ]


def test_both_ways_tell_alike_what_became_of_a_token(served: Served) -> None:
    seen = []
    for fast in (True, False):
        served.uses.counts.gather(0, 0)
        served.uses.counts.counts.forget(served.uses.counts.counts.take())
        ask(served, ["one", "free", "refused", "wrong", "two", "more"], fast=fast)
        served.exchange([head("GET /verify", f"Authorization: Bearer {UNKNOWN}")], fast=fast)
        served.uses.counts.gather(0, 0)
        seen.append({count.result: count.number for count in served.uses.counts.counts.take()})
    assert seen == [{"accepted": 3, "scopes": 1, "limit": 1, "unknown": 1}] * 2


@pytest.mark.parametrize("fast", [True, False])
def test_both_ways_count_together(served: Served, fast: bool) -> None:  # noqa: FBT001 - both ways
    served.clock.seconds += SECONDS
    raw = head("GET /verify?cost=1", f"Authorization: Bearer {served.secrets['limited']}")
    statuses = [served.exchange([raw], fast=fast ^ bool(turn % 2))[0][9:12] for turn in range(4)]
    assert statuses == [b"200", b"200", b"200", b"429"]


def test_refusal_says_when_to_ask_again_and_then_is_the_time(served: Served) -> None:
    served.clock.seconds = served.clock.seconds // SECONDS * SECONDS + 90.5
    authorization = f"Authorization: Bearer {served.secrets['limited']}"
    raw = [head(QUESTIONS["three"], authorization), head(QUESTIONS["one"], authorization)]
    answer, _ = served.exchange(raw, fast=True)
    refusal = answer[answer.index(b"HTTP/1.1 429 ") :]
    assert b"retry-after: 30\r\n" in refusal
    assert b"x-ratelimit-limit: 3\r\n" in refusal
    assert refusal.endswith(b'\r\n\r\n{"errors": [{"reason": "Too many requests"}]}')
    served.clock.seconds += 30
    assert served.exchange(raw[1:], fast=True)[0].startswith(b"HTTP/1.1 200 ")


def test_token_without_a_limit_is_not_counted(served: Served) -> None:
    assert {left(answer) for answer in ask(served, ["one", "more"] * 5, fast=True, name="good")} == {(b"200", None)}


@pytest.mark.parametrize(
    "cost", ["", "-1", "+1", "1.0", "0x1", "1e1", "%31%00", "\u0661", str(COST_MAX + 1), "9" * 400]
)
def test_what_is_no_cost_is_refused_on_every_route(served: Served, cost: str) -> None:
    for route in ("/verify?cost=", "/verify/auth-request?cost=", "/verify/ext-authz/cost="):
        line = f"GET {route}{cost}".encode().decode("latin-1") + ("/a" if route.endswith("z/cost=") else "")
        raw = head(line, "X-Original-Method: GET", f"Authorization: Bearer {served.secrets['good']}")
        ordinary = served.exchange([raw], fast=False)
        assert served.exchange([raw], fast=True) == ordinary
        assert ordinary[0].startswith(b"HTTP/1.1 400 ")

"""A head of many kilobytes costs its own time and nobody else's, whatever is in it and whichever way it is answered."""

from functools import partial

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tests.serving.parts import PEER, Served, head, no_app
from tests.timing import seconds_taken
from tokenry.domain.networks import ADDRESS_LENGTH_MAX
from tokenry.gate.senders import Sender

LENGTH = 7800
"""What leaves room in a head that the fast path takes, which has at most 8 KiB; twice that goes the ordinary way."""
SECONDS_MAX = 0.05
FILLERS = {"blanks": " ", "tabs": "\t", "commas": ",", "quotes": '"', "colons": "1:", "words": "a b", "eights": "\xff"}
NAMES = ["User-Agent", "X-Forwarded-For", "Authorization", "X-Filter", "X-Request-Id", "Cookie", "Content-Type"]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("name", NAMES)
def test_long_header_is_read_in_a_moment(served: Served, name: str, filler: str, *, fast: bool) -> None:
    bearer = [] if name == "Authorization" else [f"Authorization: Bearer {served.secrets['here']}"]
    for length in (LENGTH, 2 * LENGTH):
        run = FILLERS[filler] * (length // len(FILLERS[filler]))
        raw = head("GET /verify", *bearer, f"{name}: a{run}b")
        assert seconds_taken(partial(served.exchange, [raw], fast=fast), enough=SECONDS_MAX) < SECONDS_MAX


@pytest.mark.parametrize("filler", FILLERS)
def test_sender_is_read_out_of_a_long_head_in_a_moment(filler: str) -> None:
    run = FILLERS[filler] * (2 * LENGTH // len(FILLERS[filler]))
    sender = Sender(PEER, ProxyHeadersMiddleware(no_app, PEER).trusted_hosts)
    sender.head = head("GET /verify", f"User-Agent: a{run}b", f"X-Forwarded-For: a{run}b, c{run}d")
    assert seconds_taken(lambda: (sender.agent, sender.address), enough=SECONDS_MAX) < SECONDS_MAX
    assert sender.agent == f"a{run}b"
    assert len(sender.address or "") <= ADDRESS_LENGTH_MAX


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("piece", ["scope=linodes:read_only&", "scope=linodes:read_only,", "a&", "%20", "scope=", "=;"])
def test_long_policy_is_refused_in_a_moment(served: Served, piece: str, *, fast: bool) -> None:
    for length in (LENGTH, 2 * LENGTH):
        line = "GET /verify?" + piece * (length // len(piece))
        raw = head(line, f"Authorization: Bearer {served.secrets['good']}")
        assert seconds_taken(partial(served.exchange, [raw], fast=fast), enough=SECONDS_MAX) < SECONDS_MAX
        answer = served.exchange([raw], fast=fast)[0]
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b'{"errors": [{"reason": "A policy has at most 2048 characters"}]}')

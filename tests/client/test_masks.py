"""No text that a client prints, logs or raises holds more of a token than its first 16 characters."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import CALLS, HTML, QUICK, RESET, ROW, SECRET, TOKEN, Pieces, http, refusal, saying
from tests.servers import Server
from tokenry.client import (
    Answer,
    ApiError,
    AsyncClient,
    Client,
    ConnectionFailed,
    PersonalAccessTokensApi,
    Request,
    Retries,
    Secret,
    TokenRecord,
    TokenryError,
)
from tokenry.client.secrets import masked

OTHER_SECRET = "0th3r0th3r0th3r0th3r0th3r0th3r0th3r0th"
OTHER = f"pat_Zz12Cd34Ef56{OTHER_SECRET}"
LINODE = sha256(b"a token of another service").hexdigest()
TESTS = str(Path(__file__).parent)


def leaks(text: str) -> bool:
    """Whether a text holds a part of a secret that is long enough to mean something."""
    pieces = [secret[at : at + 12] for secret in (SECRET, OTHER_SECRET, LINODE[16:]) for at in range(len(secret) - 11)]
    return any(piece in text for piece in pieces)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and all that it came from."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def shown(error: BaseException) -> str:
    """Everything that a tool for crash reports could show of an exception, but for the locals of these tests."""
    text = ""
    for each in chain(error):
        trace = traceback.TracebackException.from_exception(each, capture_locals=True)
        frames = [frame for frame in trace.stack if not frame.filename.startswith(TESTS)]
        assert not [frame for frame in frames if "site-packages" in frame.filename]
        text += f"{each!r} {each} {each.args!r} {vars(each)!r} "
        text += " ".join(f"{frame.name} {frame.locals}" for frame in frames)
    return text


def test_secret_does_not_print_itself() -> None:
    for text in (TOKEN, LINODE):
        secret = Secret(text)
        assert not leaks(f"{secret!r} {secret} {secret:} {[secret]} {vars(Boxed(secret))}")
        assert text[:16] in repr(secret)


class Boxed:
    """Something that has a secret among its attributes."""

    def __init__(self, secret: Secret) -> None:
        self.secret = secret


@pytest.mark.parametrize("text", ["", "hunter2", "x" * 31])
def test_short_text_shows_nothing_of_itself(text: str) -> None:
    assert repr(Secret(text)) == "<Secret …>"


@pytest.mark.parametrize("serialise", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_secret_is_never_serialised(serialise: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="never serialised"):
        serialise(Secret(TOKEN))


def test_clients_and_what_they_hold_do_not_print_it() -> None:
    request = Request("POST", "http://host", Secret(TOKEN), (), TOKEN.encode())
    record = TokenRecord(
        id=1, label="x", scopes=(), created=datetime.now(UTC), expiry=None, preview=TOKEN[:16], secret=Secret(TOKEN)
    )
    for thing in (
        request,
        record,
        Answer(200, {"x": TOKEN}, TOKEN.encode()),
        Client("http://host", TOKEN),
        AsyncClient("http://host", TOKEN),
        PersonalAccessTokensApi("http://host", TOKEN),
    ):
        assert not leaks(repr(thing))
        assert not leaks(repr(getattr(thing, "__dict__", "")))
        for part in getattr(thing, "__dict__", {}).values():
            assert not leaks(repr(part))
            assert not leaks(repr(getattr(part, "__dict__", "")))


def test_somebody_elses_text_is_masked_and_made_harmless() -> None:
    assert masked(f"bad token {LINODE}!", Secret(LINODE)) == f"bad token {LINODE[:16]}…!"
    assert masked(f"bad token {OTHER}, {TOKEN}x") == "bad token pat_Zz12Cd34Ef56…, pat_Ab12Cd34Ef56…"
    assert masked("a\x1b[31mred\r\n\u202eb") == "a\ufffd[31mred\ufffd\ufffd\ufffdb"
    assert len(masked("x" * 10_000)) == 500


ECHOES: dict[str, Pieces] = {
    "reason": refusal(400, f"{TOKEN} is not valid"),
    "field": http(400, {"errors": [{"reason": "no", "field": TOKEN}]}),
    "headers": refusal(
        401, "no", f"X-OAuth-Scopes: {TOKEN}", f"X-Accepted-OAuth-Scopes: {TOKEN}", f"X-Request-Id: {TOKEN}"
    ),
    "redirect": http(302, b"", f"Location: http://{TOKEN}@{TOKEN}.example/{TOKEN}?{TOKEN}"),
    "content type": http(200, HTML, f"Content-Type: text/{TOKEN}"),
    "page": http(200, f"<html>{TOKEN}</html>".encode(), "Content-Type: text/html"),
    "failure": http(500, f"<html>{TOKEN}</html>".encode()),
    "truncated": http(200, json.dumps({**ROW, "token": OTHER}).encode()[:-1]),
    "wrong id": http(200, {**ROW, "token": OTHER, "id": TOKEN}),
    "wrong time": http(200, {**ROW, "token": OTHER, "created": TOKEN}),
    "wrong token": http(200, {**ROW, "token": [OTHER]}),
    "wrong rows": http(200, {"data": [TOKEN], "page": TOKEN, "pages": 1, "results": 1}),
    "wrong errors": http(400, {"errors": [{"reason": [TOKEN]}]}),
    "reset": [RESET],
    "half": [b"HTTP/1.1 200 OK\r\nX-Echo: " + TOKEN.encode()],
    "no HTTP": [TOKEN.encode() + b"\r\n\r\n"],
    "broken head": [f"HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n".encode()],
}


UNNOTICED = {("revoke", echo) for echo in ECHOES if echo.startswith("wrong") and echo != "wrong errors"}
"""A revocation says nothing in its body; and a refusal that can be read is a verdict."""
UNNOTICED.add(("verify", "headers"))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("echo", ECHOES)
def test_exception_and_its_traceback_show_no_secret(
    new_client: NewClient, name: str, echo: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with saying(ECHOES[echo]) as server:
        client = new_client(server.url, TOKEN, retries=QUICK)
        if (name, echo) in UNNOTICED:
            CALLS[name](client)
        else:
            with pytest.raises(TokenryError) as caught:
                CALLS[name](client)
            assert not leaks(shown(caught.value))
            assert not leaks(pickle.dumps(caught.value).decode("latin-1"))
        assert all(TOKEN.encode() in request for request in server.requests)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("tokenry")]
    assert ours
    assert not leaks(" ".join(ours))


def test_log_of_real_requests_shows_no_secret(
    new_client: NewClient, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = new_client(server.url, server.token)
    token = client.tokens.create(label="logged")
    rotated = token.rotate()
    assert rotated.secret is not None
    assert client.verify(rotated.secret).active
    assert "GET /verify: 200" in caplog.text
    for text in (server.token, rotated.secret.reveal()):
        assert not [at for at in range(16, len(text) - 12) if text[at : at + 12] in caplog.text]


@pytest.mark.parametrize("make", [Client, AsyncClient, PersonalAccessTokensApi])
@pytest.mark.parametrize(
    "arguments", [("ftp://host", TOKEN), ("http://host", f"{TOKEN}\n")], ids=["no address", "no token"]
)
def test_client_that_cannot_be_made_shows_no_secret(make: Callable[..., object], arguments: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"address|token") as caught:
        make(*arguments)
    assert not leaks(shown(caught.value))


def test_token_that_cannot_be_sent_is_not_shown_later_either(new_client: NewClient) -> None:
    client = new_client("http://127.0.0.1:1", lambda: f"{TOKEN}\r\nX-Other: 1", retries=Retries(attempts_max=1))
    for call in (CALLS["get"], lambda client: client.verify(f"{TOKEN} ")):
        with pytest.raises(ValueError, match="visible ASCII") as caught:
            call(client)
        assert not leaks(shown(caught.value))


def test_exceptions_survive_the_way_between_processes() -> None:
    with saying(refusal(400, "no", "X-Request-Id: here")) as server:
        client = Client(server.url, TOKEN)
        with pytest.raises(ApiError) as caught:
            client.tokens.get(7)
        client.close()
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.request_id) == (str(caught.value), "here")
    assert str(pickle.loads(pickle.dumps(ConnectionFailed("reset")))) == "reset"

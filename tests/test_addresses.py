"""Addresses that people give: each client, command and the middleware reads them alike, and says what is wrong."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from tests.servers import tokenry
from tokenry.addresses import read_base_url
from tokenry.client import (
    ONCE,
    AsyncClient,
    AsyncPersonalAccessTokensApi,
    Client,
    ConnectionFailed,
    PersonalAccessTokensApi,
)
from tokenry.middleware.questions import Needs, Question
from tokenry.middleware.remote import RemoteVerifier

TOKEN = "pat_Ab12Cd34Ef56" + "S3cr3t" * 6
SCHEME = "begin with http:// or https://"
PORT = "port has to be"
USER = "a user or a password"
QUERY = "a query or a fragment"
PATH = "its path has a character"
HOST = "its host is not a valid host name"
NUMBER = "has to be an IPv4 address"
HELD = "it must not contain a token"
ENCODED = "".join(f"%{ord(character):02x}" for character in TOKEN)

REFUSED = {
    "": SCHEME,
    "   ": SCHEME,
    "127.0.0.1:8470": SCHEME,
    "localhost": SCHEME,
    "//host": SCHEME,
    "http:/host": SCHEME,
    "http//host": SCHEME,
    "ftp://host": SCHEME,
    "UNIX:/run/tokenry.sock": SCHEME,
    "http+unix://%2Frun%2Fsock": SCHEME,
    "/run/tokenry.sock": SCHEME,
    "\\\\host\\share": SCHEME,
    "\ufeffhttp://host": SCHEME,
    "ht\ntp://host": SCHEME,
    "http://": "no host",
    "http:///v4": "no host",
    "http://:8470": "no host",
    "http://host:": PORT,
    "http://host:x": PORT,
    "http://host:0": PORT,
    "http://host:65536": PORT,
    "http://host:99999": PORT,
    "http://host:-1": PORT,
    "http://host:\u0661": PORT,
    "http://host:80:80": HOST,
    "http://::1": HOST,
    "http://ho st": HOST,
    "http://ho\tst": HOST,
    "http://host\n.example": HOST,
    "http://ho\x00st": HOST,
    "http://host\\path": HOST,
    "http://%68ost": HOST,
    "http://a..b": HOST,
    "http://.a": HOST,
    f"http://{'a' * 64}.example": HOST,
    "http://999.999.999.999": NUMBER,
    "http://256.1.1.1:8470/v4": NUMBER,
    "http://1.2.3.4.5": NUMBER,
    "http://127.1": NUMBER,
    "http://2130706433": NUMBER,
    "http://010.0.0.1": NUMBER,
    "http://host.1": NUMBER,
    "http://127.0.0.1.": NUMBER,
    f"http://host/{'x' * 70_000}": "more than 2000 characters",
    f"http://user:{'S3cr3t' * 1000}@host": "more than 2000 characters",
    f"http://host/{TOKEN}": HELD,
    f"http://host/below/{TOKEN}/v4": HELD,
    f"http://{TOKEN}": HELD,
    f"http://{TOKEN.lower()}.example:8470": HELD,
    f"http://host/x{TOKEN[:-8]}": HELD,
    f"http://host/{ENCODED}": HELD,
    "http://bücher.example": "xn--",
    "http://例え.jp:80/v4": "xn--",
    "http://[::1": HOST,
    "http://[fe80::1%25eth0]": "without a zone",
    "http://[fe80::1%eth0]": "without a zone",
    "http://[host]": "IPv6",
    "http://[::1]8470": PORT,
    "http://[::1]:": PORT,
    "http://host/a b": PATH,
    "http://host/ü": PATH,
    "http://host/%zz": PATH,
    "http://host/a\\b": PATH,
    "http://host/../v4": "must not have the segments . and ..",
    "http://host?a=S3cr3t": QUERY,
    "http://host/v4?token=S3cr3t": QUERY,
    "http://host/v4#S3cr3t": QUERY,
    "http://host?": QUERY,
    "http://user@host": USER,
    "http://user:S3cr3t@host:99999/v4": USER,
    "http://user:S3cr3t@x@host": USER,
    "http://us@er:S3cr3t@host": USER,
    "http://user:p/S3cr3t@host": PATH,
    "http://user:p?S3cr3t@host": QUERY,
    "http://user:p#S3cr3t@host": QUERY,
    "user:S3cr3t@host:8470": SCHEME,
    "user:S3cr3t@host://": SCHEME,
    TOKEN: SCHEME,
    f"Bearer {TOKEN}": SCHEME,
}
READ = {
    "http://127.0.0.1:8470": "http://127.0.0.1:8470",
    "  http://host/ \r\n": "http://host",
    "HTTPS://Host.Example": "https://Host.Example",
    "http://host:8470/v4": "http://host:8470",
    "http://host/v4/": "http://host",
    "http://host/v4beta": "http://host",
    "http://host/below/v4//": "http://host/below",
    "http://host/v4/v4beta": "http://host",
    "http://host/v4beta/v4": "http://host",
    "http://host//v4//v4/": "http://host",
    "http://v4/v4": "http://v4",
    "http://host/v4/below": "http://host/v4/below",
    "http://host/pat_administration": "http://host/pat_administration",
    "http://1.2.3.example": "http://1.2.3.example",
    "http://host/a%2fb": "http://host/a%2fb",
    "http://[::1]:8470/v4": "http://[::1]:8470",
    "http://xn--bcher-kva.example": "http://xn--bcher-kva.example",
    "http://my_host.:00080": "http://my_host.:00080",
    "https://api.linode.com/v4": "https://api.linode.com",
}
MAKERS: list[Callable[[str], object]] = [
    read_base_url,
    lambda url: Client(url, TOKEN),
    lambda url: AsyncClient(url, TOKEN),
    lambda url: PersonalAccessTokensApi(url, TOKEN),
    lambda url: AsyncPersonalAccessTokensApi(url, TOKEN),
    RemoteVerifier,
]


@pytest.mark.parametrize("url", REFUSED)
def test_address_that_is_none_is_refused_alike_and_with_the_reason(url: str) -> None:
    texts = set()
    for make in MAKERS if url else MAKERS[:1]:  # an empty one is none at all to a client, which has a default
        with pytest.raises(ValueError, match="must be like") as caught:
            make(url)
        texts.add(str(caught.value))
    (text,) = texts
    assert REFUSED[url] in text
    assert "s3cr3t" not in unquote(text).lower()
    assert text.isprintable()


@pytest.mark.parametrize("make", MAKERS[:-1])
def test_unix_socket_is_for_verifying_alone(make: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="must be like"):
        make("unix:/run/tokenry.sock")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://host:99999", "http://host:99999"),
        ("http://user:S3cr3t@host:1/v4?a=b", "http://host:1/v4"),
        ("127.0.0.1:8470", "127.0.0.1:8470"),
        ("", "''"),
    ],
)
def test_error_names_the_address(url: str, named: str) -> None:
    with pytest.raises(ValueError, match="must be like") as caught:
        read_base_url(url)
    assert str(caught.value).startswith(f"The address {named} must be like")


@pytest.mark.parametrize("url", READ)
def test_address_is_read(url: str) -> None:
    assert read_base_url(url) == READ[url]
    assert read_base_url(READ[url]) == READ[url]


@pytest.mark.parametrize(
    "url", ["http://localhost:1/v4 ", "HTTP://127.0.0.1:1", "http://[::1]:1", "http://localhost.:00001", "http://a_b:1"]
)
def test_address_that_is_read_can_be_asked(url: str) -> None:
    with Client(url, TOKEN, retries=ONCE) as client, pytest.raises(ConnectionFailed):
        client.whoami()

    async def ask() -> None:
        async with AsyncClient(url, TOKEN, retries=ONCE) as client:
            await client.whoami()

    with pytest.raises(ConnectionFailed):
        asyncio.run(ask())
    verifier = RemoteVerifier(url)
    answer: Any = verifier.verify(Question(Needs(), "GET", f"Bearer {TOKEN}"))
    assert answer.status == 503
    verifier.close()


@pytest.mark.parametrize("url", [f"http://host/{'0f' * 20}", f"http://{'0f' * 20}:1/v4"])
def test_token_of_another_service_is_no_part_of_its_own_address(url: str) -> None:
    token = "0f" * 20
    for kind in (Client, AsyncClient, PersonalAccessTokensApi, AsyncPersonalAccessTokensApi):
        with pytest.raises(ValueError, match="contains the token"):
            kind(url, token)
    for command in (["whoami"], ["token", "list", "--curl"]):
        done = tokenry(*command, variables={"TOKENRY_URL": url, "TOKENRY_TOKEN": token})
        assert done.returncode != 0
        assert "TOKENRY_URL contains the token" in done.stderr
        assert token not in done.stdout + done.stderr


def test_what_the_library_refuses_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str) -> None:
        raise httpx2.InvalidURL(url)

    monkeypatch.setattr(httpx2, "URL", refuse)
    with pytest.raises(ValueError, match="can be asked"):
        RemoteVerifier("http://host")


@pytest.mark.parametrize(
    "url",
    [
        "http://host:99999",
        "http://user:S3cr3t@host",
        "http://bücher.example",
        f"http://127.0.0.1:1/{TOKEN}",
        f"http://{TOKEN}:1",
    ],
)
def test_command_line_says_it_in_a_line(url: str) -> None:
    for done in (
        tokenry("token", "list", variables={"TOKENRY_URL": url, "TOKENRY_TOKEN": TOKEN}),
        tokenry("login", url, given=TOKEN),
    ):
        assert done.returncode != 0
        assert "must be like http://127.0.0.1:8470" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert "S3cr3t" not in done.stderr

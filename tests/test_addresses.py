"""Addresses that people give: each client, command and the middleware reads them alike, and says what is wrong."""

import asyncio
from collections.abc import Callable
from typing import Any

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
from tokenry.middleware.questions import Policy, Question
from tokenry.middleware.remote import RemoteVerifier

TOKEN = "pat_Ab12Cd34Ef56" + "S3cr3t" * 6
SCHEME = "begin with http:// or https://"
PORT = "port has to be"
USER = "a user or a password"
QUERY = "a query or a fragment"
PATH = "its path has a character"
HOST = "its host is not a valid host name"

REFUSED = {
    "": SCHEME,
    "   ": SCHEME,
    "127.0.0.1:8470": SCHEME,
    "localhost": SCHEME,
    "//host": SCHEME,
    "http:/host": SCHEME,
    "http//host": SCHEME,
    "ftp://host": SCHEME,
    "unix:/run/tokenry.sock": SCHEME,
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
    "http://host/../v4": "leads elsewhere",
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
    assert "S3cr3t" not in text
    assert text.isprintable()


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
    answer: Any = verifier.verify(Question(Policy(), "GET", f"Bearer {TOKEN}"))
    assert answer.status == 503
    verifier.close()


@pytest.mark.parametrize("url", ["http://host:99999", "http://user:S3cr3t@host", "http://bücher.example"])
def test_command_line_says_it_in_a_line(url: str) -> None:
    for done in (
        tokenry("token", "list", variables={"TOKENRY_URL": url, "TOKENRY_TOKEN": TOKEN}),
        tokenry("login", url, given=TOKEN),
    ):
        assert done.returncode != 0
        assert "must be like http://127.0.0.1:8470" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert "S3cr3t" not in done.stderr

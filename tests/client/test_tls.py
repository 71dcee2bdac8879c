"""A token is sent over TLS to whom a trusted authority vouches for, and to nobody else."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import make_certificate
from tests.client.conftest import NewClient
from tests.client.hostile import ROW, TOKEN, http, saying
from tokenry.client import ONCE, ConnectionFailed
from tokenry.client.async_connections import AsyncHttpTransport
from tokenry.client.connections import HttpTransport

NewCertificate = Callable[[str], tuple[ssl.SSLContext, Path]]


@pytest.fixture
def new_certificate(tmp_path: Path) -> NewCertificate:
    """A function that makes a certificate, its own authority, for a name: what a server does with it, and its file."""

    def make(name: str) -> tuple[ssl.SSLContext, Path]:
        made = make_certificate(tmp_path, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.file, made.key)
        return context, made.file

    return make


@pytest.fixture
def transport(shell: str) -> Callable[..., Any]:
    """The class of this shell's transport."""
    return HttpTransport if shell == "threads" else AsyncHttpTransport


def test_unknown_authority_is_not_trusted(new_client: NewClient, new_certificate: NewCertificate) -> None:
    context, _ = new_certificate("IP:127.0.0.1")
    with saying(http(200, ROW), context=context) as server:
        client = new_client(server.url, TOKEN, retries=ONCE)
        with pytest.raises(ConnectionFailed, match="ConnectError"):
            client.tokens.get(7)
        assert server.requests == []


def test_request_without_tls_makes_none_trusted(
    new_client: NewClient, new_certificate: NewCertificate, transport: Callable[..., Any]
) -> None:
    """Clients may share a transport."""
    context, _ = new_certificate("IP:127.0.0.1")
    shared = transport()
    with saying(http(200, ROW)) as plain, saying(http(200, ROW), context=context) as server:
        assert new_client(plain.url, TOKEN, transport=shared).tokens.get(7).label == "ci"
        with pytest.raises(ConnectionFailed, match="ConnectError"):
            new_client(server.url, TOKEN, transport=shared, retries=ONCE).tokens.get(7)
        assert server.requests == []


def test_authority_may_be_named_by_the_environment(
    new_client: NewClient, new_certificate: NewCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = new_certificate("IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with saying(http(200, ROW), context=context) as server:
        assert new_client(server.url, TOKEN).tokens.get(7).label == "ci"


def test_authority_may_be_in_a_context(
    new_client: NewClient, new_certificate: NewCertificate, transport: Callable[..., Any]
) -> None:
    context, certificate = new_certificate("IP:127.0.0.1")
    trusting = transport(ssl_context=ssl.create_default_context(cafile=certificate))
    with saying(http(200, ROW), context=context) as server:
        assert new_client(server.url, TOKEN, transport=trusting).tokens.get(7).label == "ci"


def test_certificate_of_another_host_is_not_trusted(
    new_client: NewClient, new_certificate: NewCertificate, transport: Callable[..., Any]
) -> None:
    context, certificate = new_certificate("DNS:elsewhere.example")
    trusting = transport(ssl_context=ssl.create_default_context(cafile=certificate))
    with saying(http(200, ROW), context=context) as server:
        client = new_client(server.url, TOKEN, transport=trusting, retries=ONCE)
        with pytest.raises(ConnectionFailed, match="ConnectError"):
            client.tokens.get(7)
        assert server.requests == []

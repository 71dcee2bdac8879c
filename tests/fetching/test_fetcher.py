"""What is said of a server that does not answer: words of ours, and none of what was sent."""

import socket
import ssl
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.certificates import make_certificate
from tests.client.hostile import http, saying
from tokenry.fetching.fetcher import Fetcher
from tokenry.fetching.reach import NotFetched, Reach


def why(url: str) -> str:
    """Why there is no answer."""
    with pytest.raises(NotFetched) as failure:
        Fetcher(Reach.ANYTHING).fetch("GET", url, until=time.monotonic() + 5, bytes_max=100)
    return str(failure.value)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_name_that_nobody_knows_is_said_to_be_so(error: Exception) -> None:
    with patch.object(socket, "getaddrinfo", side_effect=error):
        assert why("https://nowhere.example/") == "it cannot be reached: its name cannot be resolved"


def test_what_is_wrong_with_an_answer_is_told_apart(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.file, made.key)
    with saying([b"nonsense\r\n\r\n"]) as plain, saying(http(200, {}), context=context) as encrypted:
        told = [why(plain.url), why(encrypted.url)]
    assert told == ["it cannot be reached: it speaks no HTTP", "it cannot be reached: its certificate is not believed"]
    assert why(plain.url) == "it cannot be reached: it takes no connection"

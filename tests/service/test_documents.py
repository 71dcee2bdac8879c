"""Clients that are a document: what is fetched, from where, and what is believed of it."""

import socket
import threading
from typing import Any
from unittest.mock import patch

import pytest

from tests.making import NOW, OPERATOR
from tests.oauth_making import agree
from tests.service.parts import Bench
from tests.sites import JSON, Site
from tokenry.domain.errors import Invalid
from tokenry.domain.secrets import CODE, Peppers
from tokenry.fetching.reach import NotFetched, Reach
from tokenry.service import fetching
from tokenry.service.documents import BELIEVED_FOR, FAILED_FOR, ClientDocuments, Documents
from tokenry.service.fetching import DOCUMENT_BYTES_MAX, fetch_json
from tokenry.service.oauth_clients import Clients
from tokenry.service.transactions import Transactions
from tokenry.storage import oauth_clients as stored
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.oauth_clients import find_client

PEPPERS = Peppers((bytes(32),))


class At:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


def documents_of(bench: Bench, at: At, mode: Documents = Documents.LOOPBACK) -> ClientDocuments:
    return ClientDocuments(Transactions(bench.database, at), PEPPERS, default_catalogue(), mode)


def known(bench: Bench, client_id: str) -> Any:
    with bench.database.read() as connection:
        return find_client(connection, client_id)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/app",
        "https://[::1]/app",
        "https://[::ffff:127.0.0.1]/app",
        "https://localhost/app",
        "https://10.0.0.1/app",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/app",
        "https://2130706433/app",
        "https://0x7f.1/app",
    ],
)
def test_address_of_this_network_is_not_asked(url: str) -> None:
    with patch.object(socket, "create_connection", side_effect=AssertionError), pytest.raises(NotFetched):
        fetch_json(url)


def resolving(*addresses: str) -> Any:
    """What a name means, at the first look-up and at those that follow."""
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))] for address in addresses]
    return patch.object(socket, "getaddrinfo", side_effect=answers)


def test_name_of_an_address_of_this_network_is_not_asked(site: Site) -> None:
    with resolving("127.0.0.1"), pytest.raises(NotFetched, match="not of the internet"):
        fetch_json(f"https://app.example:{site.server.server_port}/app")
    assert site.asked == []


def test_name_that_has_an_address_of_this_network_too_is_not_asked() -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    with (
        patch.object(socket, "getaddrinfo", return_value=both),
        patch.object(socket, "create_connection", side_effect=AssertionError),
        pytest.raises(NotFetched),
    ):
        fetch_json("https://app.example/app")


def test_name_that_means_another_address_a_moment_later_gains_nothing() -> None:
    """The connection goes to the address that was judged: nobody asks what the name means again."""
    with (
        resolving("8.8.8.8", "127.0.0.1") as resolve,
        patch.object(socket, "create_connection", side_effect=ConnectionRefusedError) as connect,
        pytest.raises(NotFetched),
    ):
        fetch_json("https://app.example/app")
    assert (resolve.call_count, connect.call_args.args[0]) == (1, ("8.8.8.8", 443))


def test_redirect_is_not_followed(site: Site) -> None:
    site.put("/there", {})
    site.pages["/app"] = (302, {"Location": f"{site.url}/there", "Content-Type": JSON}, b"{}")
    with pytest.raises(NotFetched, match="302"):
        fetch_json(f"{site.url}/app", Reach.INTERNET_AND_LOOPBACK)
    assert site.asked == ["/app"]


def test_document_is_json_and_bounded(site: Site) -> None:
    assert fetch_json(site.put("/a", {"a": 1}), Reach.INTERNET_AND_LOOPBACK) == b'{"a": 1}'
    for url, reason in (
        (site.put("/html", b"{}", kind="text/html"), "text/html"),
        (site.put("/missing", b"{}", status=404), "404"),
        (site.put("/big", b" " * (DOCUMENT_BYTES_MAX + 1)), "more than"),
    ):
        with pytest.raises(NotFetched, match=reason):
            fetch_json(url, Reach.INTERNET_AND_LOOPBACK)


def test_slow_document_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends a byte now and then, so that no single wait is long."""
    monkeypatch.setattr(fetching, "FETCH_SECONDS_MAX", 0.3)
    listening = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        accepted, _ = listening.accept()
        with accepted:
            while not done.wait(0.05):
                try:
                    accepted.send(b"H")
                except OSError:
                    return

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        with pytest.raises(NotFetched):
            fetch_json(f"http://127.0.0.1:{listening.getsockname()[1]}/app", Reach.INTERNET_AND_LOOPBACK)
    finally:
        done.set()
        dripping.join(5)
        listening.close()


def test_name_that_takes_long_to_resolve_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS_MAX", 0.1)
    done = threading.Event()
    with patch.object(socket, "getaddrinfo", side_effect=lambda *_, **__: [done.wait(5)][:0]):
        with pytest.raises(NotFetched, match="cannot be reached"):
            fetch_json("https://app.example/app")
        done.set()


def test_document_is_a_client_with_the_strict_rules(bench: Bench, site: Site) -> None:
    url = site.put_client(verified=True, grant_types=["authorization_code", "refresh_token", "client_credentials"])
    documents_of(bench, At()).learn(url)
    client = known(bench, url)
    assert (client.label, client.public, client.verified, client.account_id) == ("Example", True, False, None)
    assert (client.redirect_uris, client.acts_for_itself) == (("http://127.0.0.1/cb",), False)
    assert (client.rights.pkce_required, client.rights.narrowing) == (True, True)


def test_document_is_believed_for_an_hour(bench: Bench, site: Site) -> None:
    at, url = At(), site.put_client()
    documents = documents_of(bench, at)
    for _ in range(3):
        documents.learn(url)
    assert len(site.asked) == 1
    site.put_client(client_name="Renamed")
    at.now = NOW + BELIEVED_FOR
    documents.learn(url)
    assert (len(site.asked), known(bench, url).label) == (2, "Renamed")
    site.put("/app", b"", status=404)
    at.now = NOW + 2 * BELIEVED_FOR
    with pytest.raises(Invalid):
        documents.learn(url)


def test_client_that_was_deleted_here_does_not_come_back_by_its_document(bench: Bench, site: Site) -> None:
    url = site.put_client()
    documents_of(bench, At()).learn(url)
    Clients(bench.transactions, PEPPERS).delete_client(OPERATOR, url)
    with pytest.raises(Invalid, match="deleted here"):
        documents_of(bench, At()).learn(url)
    assert known(bench, url) is None


def test_two_browsers_may_come_first_with_one_client(bench: Bench, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    url = site.put_client()
    documents_of(bench, At()).learn(url)
    monkeypatch.setattr(stored, "find_document_end", lambda *_: None)
    monkeypatch.setattr(stored, "was_registered", lambda *_: False)
    finders = [find_client, lambda *_: None]  # the second browser began before the first had written

    def find(*given: Any) -> Any:
        return (finders.pop() if len(finders) > 1 else finders[0])(*given)

    monkeypatch.setattr(stored, "find_client", find)
    documents_of(bench, At()).learn(url)
    assert known(bench, url).label == "Example"


def test_client_that_is_a_document_is_let_in_like_any(bench: Bench, site: Site) -> None:
    url = site.put_client()
    documents_of(bench, At()).learn(url)
    assert agree(bench.transactions, PEPPERS, known(bench, url)).kind is CODE


@pytest.mark.parametrize(
    "metadata",
    [
        {"client_id": "http://127.0.0.1/other"},
        {"client_id": None},
        {"redirect_uris": ["http://app.example/"]},
        {"redirect_uris": []},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"client_secret": "word"},
        {"grant_types": ["client_credentials"]},
        {"client_name": "a" * 101},
    ],
)
def test_document_that_is_no_client_is_refused(bench: Bench, site: Site, metadata: dict[str, Any]) -> None:
    url = site.put_client(**metadata)
    with pytest.raises(Invalid):
        documents_of(bench, At()).learn(url)
    assert known(bench, url) is None


def test_document_that_could_not_be_read_is_not_asked_for_again_at_once(bench: Bench, site: Site) -> None:
    at, url = At(), site.put("/app", b"[")
    documents = documents_of(bench, at)
    for _ in range(3):
        with pytest.raises(Invalid):
            documents.learn(url)
    assert len(site.asked) == 1
    at.now = NOW + FAILED_FOR
    site.put_client()
    documents.learn(url)
    assert known(bench, url) is not None


@pytest.mark.parametrize("mode", [Documents.OFF, Documents.OPEN])
def test_this_machine_is_asked_only_where_the_operator_says_so(bench: Bench, site: Site, mode: Documents) -> None:
    url = site.put_client()
    documents_of(bench, At(), mode).learn(url)
    assert (site.asked, known(bench, url)) == ([], None)


def test_nothing_is_fetched_unless_it_is_opened(bench: Bench) -> None:
    with patch("tokenry.service.documents.fetch_json", side_effect=AssertionError):
        documents_of(bench, At(), Documents.OFF).learn("https://app.example/app")
        documents_of(bench, At(), Documents.OPEN).learn("5823b4627e45411d18e9")


@pytest.mark.parametrize(
    "client_id",
    ["https://app.example", "https://app.example/", "https://app.example/a?b", "https://app.example/a#b"],
)
def test_address_that_can_be_no_document_is_refused(bench: Bench, client_id: str) -> None:
    with (
        patch("tokenry.service.documents.fetch_json", side_effect=AssertionError),
        pytest.raises(Invalid),
    ):
        documents_of(bench, At(), Documents.OPEN).learn(client_id)

"""`/openapi.json` and `/docs`: compressed once, named, and sent only to whoever lacks them."""

import httpx2
import pytest

from tests.conftest import App
from tests.description import CHECKED
from tests.servers import Server
from tokenry.web.document import names, prefers_gzip

PATHS = ("/openapi.json", "/docs")
OF_A_BODY = {"content-encoding", "content-length", "content-type"}


@pytest.mark.parametrize(
    ("accept_encoding", "gzipped"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("br, gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br", False),
        ("identity", False),
        ("gzipped", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("gzip ; Q=0.5 , br", True),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0.5", True),
        ("gzip;q=0, *", False),
        ("gzip;q=0.2, identity;q=0.8", False),
        ("gzip;q=0.8, identity;q=0.2", True),
        ("identity, *;q=0.5", False),
        ("identity;q=0, *", True),
        ("identity;q=0", False),
        ("gzip, *;q=0", True),
        ("identity;q=0.5, gzip;q=0, *;q=0", False),
        ("gzip;q=2", False),
        ("gzip;q=1.0000", False),
        ("gzip;level=1", False),
        ("gzip;", False),
        (";q=1,,;", False),
    ],
)
def test_gzip_is_sent_to_whoever_likes_it_as_well_as_nothing(accept_encoding: str | None, *, gzipped: bool) -> None:
    assert prefers_gzip(accept_encoding) is gzipped


@pytest.mark.parametrize(
    ("if_none_match", "named"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (' "a" ', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ('"b","a"', True),
        ('"b, a", "c"', False),
        ('"b"', False),
        ('"A"', False),
        ("a", False),
        ('"a', False),
        ('"*"', False),
    ],
)
def test_entity_tags_are_compared_weakly(if_none_match: str | None, *, named: bool) -> None:
    assert names(if_none_match, '"a"') is named


@pytest.mark.parametrize("path", PATHS)
def test_both_codings_are_the_same_document_under_different_names(app: App, path: str) -> None:
    plain, zipped = (app.client.get(path, headers={"Accept-Encoding": coding}) for coding in ("identity", "gzip"))
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == plain.content
    assert plain.headers["etag"] != zipped.headers["etag"]
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert int(zipped.headers["content-length"]) < len(plain.content) / 4


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_is_there_already_is_not_sent_again(app: App, path: str, method: str, coding: str) -> None:
    sent = app.client.get(path, headers={"Accept-Encoding": coding})
    tag = sent.headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = app.client.request(method, path, headers={"Accept-Encoding": coding, "If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b"")
        expected = {key: value for key, value in sent.headers.items() if key not in OF_A_BODY}
        assert {**answer.headers, "x-request-id": ""} == {**expected, "x-request-id": ""}
    other = app.client.request(method, path, headers={"Accept-Encoding": coding, "If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_as_get_without_the_body(app: App, path: str) -> None:
    for coding in ("identity", "gzip"):
        got, head = (
            app.client.request(method, path, headers={"Accept-Encoding": coding}) for method in ("GET", "HEAD")
        )
        assert head.content == b""
        assert {**head.headers, "x-request-id": ""} == {**got.headers, "x-request-id": ""}


def test_lists_in_several_lines_are_one(app: App) -> None:
    tag = app.client.get("/docs", headers={"Accept-Encoding": "gzip"}).headers["etag"]
    lines = [
        ("Accept-Encoding", "br"),
        ("Accept-Encoding", "gzip"),
        ("If-None-Match", '"other"'),
        ("If-None-Match", tag),
    ]
    assert app.client.get("/docs", headers=lines).status_code == 304


def test_connection_goes_on_after_an_answer_without_a_body(server: Server) -> None:
    """A 304 says no length, and none is waited for."""
    with httpx2.Client(base_url=server.url, event_hooks=CHECKED, timeout=5) as client:
        tag = client.get("/openapi.json").headers["etag"]
        for _ in range(2):
            unchanged = client.get("/openapi.json", headers={"If-None-Match": tag})
            assert unchanged.status_code == 304
            assert not {"content-length", "transfer-encoding"} & unchanged.headers.keys()
        assert client.get("/openapi.json").status_code == 200

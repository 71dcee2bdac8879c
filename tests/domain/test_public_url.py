"""The address for browsers: which texts are one, and which pages are of it."""

import pytest

from tokenry.domain.public_url import is_own_origin, read_public_url


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://tokens.example.com", "https://tokens.example.com"),
        ("HTTPS://Tokens.Example.Com:8443", "https://tokens.example.com:8443"),
        ("https://tokens.example.com:443", "https://tokens.example.com"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8470", "http://localhost:8470"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8470", "http://[::1]:8470"),
    ],
)
def test_address_is_read(text: str, read: str) -> None:
    assert read_public_url(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tokens.example.com",
        "http://tokens.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://tokens.example.com",
        "https://",
        "https://tokens.example.com/",
        "https://tokens.example.com/path",
        "https://tokens.example.com?",
        "https://tokens.example.com#",
        "https://user@tokens.example.com",
        "https://tokens.example.com:",
        "https://tokens.example.com:99999",
        "https://tokens.example.com:x",
        "https://tokens_example.com",
        "https://-a.example",
        "https://[::1",
        "https://[x:y]",
        " https://tokens.example.com",
        "https://tokens.example.com\n",
        "https://tökens.example.com",
    ],
)
def test_what_is_no_address_for_browsers_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_public_url(text)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8470", "http://localhost:8470", "http://[::1]:8470"])
def test_this_machine_has_several_names(origin: str) -> None:
    assert is_own_origin(origin, "http://127.0.0.1:8470")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://127.0.0.1:8471",
        "http://127.0.0.1",
        "https://127.0.0.1:8470",
        "http://evil.example:8470",
        "http://localhost.evil.example:8470",
        "http://localhost:x",
        "http://user@localhost:8470",
        "http://localhost:8470/",
        "http://[::1",
    ],
)
def test_no_other_origin_is_ours_on_loopback(origin: str) -> None:
    assert not is_own_origin(origin, "http://127.0.0.1:8470")


def test_behind_https_nothing_but_the_address_is_ours() -> None:
    assert is_own_origin("https://a.example", "https://a.example")
    assert not is_own_origin("http://localhost", "https://a.example")

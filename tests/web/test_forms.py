"""Forms: in either way they are sent, each parameter once, and nothing that is not understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.errors import Invalid
from tokenry.web.forms import MULTIPART, URLENCODED, read_form

PARTS = f"{MULTIPART}; boundary=x"


def in_parts(*fields: tuple[str, str], end: str = "--x--\r\n") -> bytes:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields
    )
    return f"{parts}{end}".encode()


def test_both_ways_say_the_same() -> None:
    expected = {"a": "1 2", "b": "é"}
    assert read_form(b"a=1+2&b=%C3%A9", URLENCODED) == expected
    assert read_form(in_parts(("a", "1 2"), ("b", "é")), PARTS) == expected
    assert read_form(in_parts(("a", "1 2"), ("b", "é")), f'{MULTIPART.upper()};charset=utf-8;boundary="x"') == expected


@pytest.mark.parametrize("media_type", [URLENCODED, f"{URLENCODED};charset=UTF-8", PARTS, MULTIPART])
def test_empty_body_says_nothing(media_type: str) -> None:
    assert read_form(b"", media_type) == {}


def test_parameter_without_a_value_is_none() -> None:
    assert read_form(b"a=&b=1&c", URLENCODED) == {"b": "1"}
    assert read_form(in_parts(("a", ""), ("b", "1")), PARTS) == {"b": "1"}


@pytest.mark.parametrize(("raw", "media_type"), [(b"a=1&a=1", URLENCODED), (in_parts(("a", "1"), ("a", "1")), PARTS)])
def test_parameter_comes_once_unless_it_may_come_again(raw: bytes, media_type: str) -> None:
    with pytest.raises(Invalid):
        read_form(raw, media_type)
    assert read_form(raw, media_type, {"a"}) == {"a": ("1", "1")}


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (in_parts(("a", "1")), MULTIPART),
        (in_parts(("a", "1")), f"{MULTIPART}; boundary=y"),
        (in_parts(("a", "1")), f"{MULTIPART}; boundary="),
        (in_parts(("a", "1"), end=""), PARTS),
        (in_parts(("a", "1"), end="--x-"), PARTS),
        (b"a=1", PARTS),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n--x--\r\n', PARTS),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n", PARTS),
        (b"--x\r\n\r\n1\r\n--x--\r\n", PARTS),
    ],
)
def test_what_is_no_form_in_parts_is_refused(raw: bytes, media_type: str) -> None:
    with pytest.raises(Invalid):
        read_form(raw, media_type)


@given(st.binary(max_size=200), st.sampled_from([URLENCODED, PARTS, f"{MULTIPART}; boundary=", MULTIPART]))
def test_whatever_is_sent_is_read_or_refused(raw: bytes, media_type: str) -> None:
    for body in (raw, b"--x\r\n" + raw + b"\r\n--x--\r\n", in_parts(("a", "1"))[:-1] + raw):
        try:
            form = read_form(body, media_type, {"r"})
        except Invalid:
            continue
        assert all(isinstance(value, str if name != "r" else tuple) for name, value in form.items())

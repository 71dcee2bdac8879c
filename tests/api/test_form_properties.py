"""Whatever form a client sends to the OAuth paths: an answer of a described shape, and nothing done by mistake."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.generating import bounded, content_types, rows
from tests.conftest import App, Clock, make_app

FORM = "application/x-www-form-urlencoded"

names = st.sampled_from(["token", "token_type_hint", "address", "client_id"]) | st.text(max_size=20)
values = st.text(max_size=80) | st.sampled_from(["10.0.0.1", "::1", "access_token", "pat_" + "0" * 50])
forms = st.lists(st.tuples(names, values), max_size=6).map(lambda pairs: urlencode(pairs).encode("ascii"))
bodies = forms | st.binary(max_size=200) | forms.map(lambda form: form + b"&%&=&%zz=%ff;")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One application for every example, since no example changes it."""
    app = make_app(tmp_path_factory.mktemp("forms") / "data", Clock())
    with app.client:
        yield app


@bounded
@given(body=bodies)
def test_no_form_makes_a_token_of_what_is_none(whole: App, body: bytes) -> None:
    before = rows(whole)
    headers = {**whole.bearer, "Content-Type": FORM}
    told = whole.client.post("/oauth/introspect", headers=headers, content=body)
    assert told.status_code in {200, 400}
    assert told.status_code == 400 or told.json() == {"active": False}
    revoked = whole.client.post("/oauth/revoke", headers=headers, content=body)
    assert revoked.status_code in {200, 400}
    assert rows(whole) == before


@bounded
@given(others=st.lists(st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=20)), max_size=4))
def test_other_parameters_make_no_difference(whole: App, others: list[tuple[str, str]]) -> None:
    pairs = [(name, value) for name, value in dict(others).items() if name not in {"token", "address"}]
    body = urlencode([*pairs, ("token", whole.token)])
    answer = whole.client.post("/oauth/introspect", headers={**whole.bearer, "Content-Type": FORM}, content=body)
    assert answer.json()["jti"] == "1"


@bounded
@given(content_type=content_types, body=bodies)
def test_any_content_type_is_read_as_a_form_or_refused(whole: App, content_type: bytes, body: bytes) -> None:
    headers = {b"Authorization": whole.bearer["Authorization"].encode("ascii"), b"Content-Type": content_type}
    answer = whole.client.post("/oauth/introspect", headers=headers, content=body)
    assert answer.status_code in {200, 400, 415}

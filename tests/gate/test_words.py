"""The operator's own realm and texts, wherever somebody is refused who presents a token."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api.parts import new_bearer
from tests.conftest import App, Clock, make_app
from tests.serving.conftest import serve
from tests.serving.parts import Served, fill, head
from tokenry.middleware import Needs, Question, Refused, Words
from tokenry.middleware.answers import read_answer
from tokenry.middleware.local import LocalVerifier

REALM = "Acme's API <1>; a=b, c"
INVALID, INSUFFICIENT = 'Schlüssel “ungültig”, \\ "x"', "May not: {'do'} \x7d that"
SETTINGS = {"realm": REALM, "invalid_token_text": INVALID, "insufficient_scope_text": INSUFFICIENT}
WORDS = Words(REALM, INVALID, INSUFFICIENT)
NARROW = "linodes:read_only"
BROAD = "linodes:read_write"


@pytest.fixture(params=[{}, SETTINGS], ids=["usual", "own"])
def worded(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[App]:
    app = make_app(tmp_path / "data", clock, **request.param)
    with app.client:
        yield app


@pytest.fixture(scope="module")
def served_in_words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serve(tmp_path_factory.mktemp("words") / "data", None, **SETTINGS)


def told(answer: httpx2.Response) -> tuple[int, str, str]:
    [error] = answer.json()["errors"]
    realm = answer.headers["www-authenticate"].split(' realm="')[1].split('"')[0]
    return answer.status_code, realm, error["reason"]


def test_every_face_speaks_in_the_words_it_was_given(worded: App) -> None:
    own = worded.settings.insufficient_scope_text is not None
    realm, invalid = (REALM, INVALID) if own else ("tokenry", "Invalid Token")
    neutral, recorded = (f"Your{word} token is not authorized to use this endpoint." for word in ("", " OAuth"))
    narrow = new_bearer(worded, scopes=NARROW)
    get, post = worded.client.get, worded.client.post
    for path in ("/verify", "/v4/profile/tokens"):
        for headers in ({}, {"Authorization": "Bearer x"}):
            assert told(get(path, headers=headers)) == (401, realm, invalid)
    assert told(get(f"/verify?scope={BROAD}", headers=narrow)) == (403, realm, INSUFFICIENT if own else neutral)
    batch = post("/verify/batch", headers=narrow, json={"tokens": ["x"]})
    assert told(batch) == (403, realm, INSUFFICIENT if own else neutral)
    assert told(get("/v4/account/users", headers=narrow)) == (401, realm, INSUFFICIENT if own else recorded)


def test_introspection_has_the_realm_and_the_ascii_of_its_rfc(worded: App) -> None:
    answer = worded.client.post("/oauth/introspect", headers=new_bearer(worded, scopes=NARROW), data={"token": "x"})
    assert answer.json() == {
        "error": "insufficient_scope",
        "error_description": "Your token is not authorized to use this endpoint.",
    }
    assert f' realm="{worded.settings.realm}"' in answer.headers["www-authenticate"]
    unproved = worded.client.post("/oauth/introspect", auth=("nobody", "x"), data={"token": "x"})
    assert unproved.headers["www-authenticate"] == f'Basic realm="{worded.settings.realm}"'


@pytest.mark.parametrize("presented", ["", "Bearer x", "Bearer {unknown}", "Bearer {narrow}"])
def test_fast_way_and_ordinary_way_use_the_same_words(served_in_words: Served, presented: str) -> None:
    lines = [f"Authorization: {presented}"] if presented else []
    raw = fill(served_in_words, head(f"GET /verify?scope={BROAD}", *lines).decode("latin-1"))
    answer, _ = served_in_words.exchange([raw], fast=False)
    assert served_in_words.exchange([raw], fast=True)[0] == answer
    first, _, body = answer.partition(b"\r\n\r\n")
    assert f' realm="{REALM}"'.encode("ascii") in first
    reason = INSUFFICIENT if presented == "Bearer {narrow}" else INVALID
    assert json.loads(body) == {"errors": [{"reason": reason}]}


@pytest.mark.parametrize("scopes", [NARROW, BROAD])
def test_both_verifiers_refuse_in_the_words_of_the_service(worded: App, scopes: str) -> None:
    """What is read from an answer of the service is what a verifier in this process says by itself."""
    own = worded.settings.insufficient_scope_text is not None
    local = LocalVerifier(worded.settings.data_dir, words=WORDS if own else Words())
    try:
        for presented in (new_bearer(worded, scopes="volumes:read_only")["Authorization"], "Bearer x"):
            answer = worded.client.get(f"/verify?scope={scopes}", headers={"Authorization": presented})
            read = read_answer(answer.status_code, dict(answer.headers), answer.content)
            assert isinstance(read, Refused)
            assert local.verify(Question(Needs(scopes), "GET", presented, "127.0.0.1")) == read
    finally:
        local.close()

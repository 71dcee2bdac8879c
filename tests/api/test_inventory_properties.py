"""Whatever an administrator's client sends: an answer of a documented shape, and no write without a 2xx."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.generating import any_json, bounded, details_queries, raw_bodies, rows, send
from tests.api.parts import KEYS, MORE
from tests.conftest import App

pytestmark = pytest.mark.usefixtures("narrow")

TOKENS = "/v4/account/tokens"

ids = st.integers(-(2**65), 2**65) | st.sampled_from([0, 3, 2**63 - 1, 2**63])


def leaves_the_examples_alone(body: Any) -> bool:
    """Whether it does not name the tokens that all examples share: the acting one, number 1, and number 2."""
    asked = body.get("ids")
    return not isinstance(asked, list) or not any(value in (1, 2) for value in asked)


bodies: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"ids": st.lists(ids, max_size=6) | st.lists(ids | any_json, max_size=4) | any_json}
).filter(leaves_the_examples_alone)


@bounded
@given(body=bodies.map(lambda body: json.dumps(body).encode("ascii")) | raw_bodies)
def test_any_body_revokes_what_it_names_or_nothing(whole: App, body: bytes) -> None:
    before = rows(whole)
    headers = {**whole.bearer, "Content-Type": "application/json"}
    answer = send(whole, "POST", f"{TOKENS}/revoke", {200, 400, 413}, headers=headers, content=body)
    if answer.status_code == 200:
        asked = json.loads(body)["ids"]
        assert [row["id"] for row in answer.json()["data"]] == list(dict.fromkeys(asked))
        assert rows(whole) == before


@bounded
@given(query=details_queries)
def test_any_question_is_answered_or_refused(whole: App, query: str) -> None:
    send(whole, "GET", f"{TOKENS}?{query}", {200, 400}, headers=whole.bearer)


@bounded
@given(query=details_queries, format=st.sampled_from(["csv", "jsonl", "", "xml"]) | st.text(max_size=5))
def test_any_question_is_exported_or_refused(whole: App, query: str, format: str) -> None:
    asked = f"{query}&{urlencode({'format': format})}"
    answer = send(whole, "GET", f"{TOKENS}/export?{asked}", {200, 400}, headers=whole.bearer)
    if answer.status_code == 200 and format == "jsonl":
        assert {tuple(json.loads(line)) for line in answer.text.splitlines()} <= {(*KEYS, *MORE, "username")}

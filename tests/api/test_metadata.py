"""What a product keeps with its users and their tokens: who sets it, what it may be, and who sees it."""

import json
from typing import Any

import httpx2
import pytest

from tests.api.managing import USERS, at, backend_of
from tests.api.parts import actions, create, faults, token_of_another_user
from tests.conftest import App
from tokenry.domain.metadata import BYTES_MAX, DEPTH_MAX, KEY_LENGTH_MAX, WHOLE_MAX

WRONG_KEY = f'Must have keys of 1-{KEY_LENGTH_MAX} printable characters, none of them " or \\'
KEPT = {"plan": "pro", "seats": 5, "beta": True, "none": None, "of": {"ä": [1.5, "漢"]}}


def test_metadata_is_kept_with_a_user_and_audited_by_its_keys_alone(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend = backend_of(app)
    assert app.client.put(at("a"), headers=backend).json()["metadata"] == {}
    assert app.client.put(at("a"), headers=backend, json={"metadata": KEPT}).json()["metadata"] == KEPT
    assert actions(app)[0] == ("user.update", {"metadata": sorted(KEPT)})
    other = {**KEPT, "plan": "free", "seats": 5.0}
    assert app.client.patch(at("a"), headers=backend, json={"metadata": other}).json()["metadata"] == other
    assert actions(app)[0] == ("user.update", {"metadata": ["plan", "seats"]})
    before = actions(app)
    assert app.client.patch(at("a"), headers=backend, json={"metadata": other}).json()["metadata"] == other
    assert actions(app) == before
    assert app.client.patch(at("a"), headers=backend, json={"email": "a@b.c"}).json()["metadata"] == other
    assert app.client.get(USERS, headers=backend).json()["data"][0]["metadata"] == other
    assert app.client.put(at("a"), headers=backend, json={"metadata": {}}).json()["metadata"] == {}
    app.client.put(at("b"), headers=backend, json={"metadata": KEPT})
    assert actions(app)[0][1]["metadata"] == sorted(KEPT)


def test_metadata_is_kept_with_a_token_through_rotation_and_revocation(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend, tokens = backend_of(app), f"{at('a')}/tokens"
    made = app.client.post(tokens, headers=backend, json={"create_user": True, "metadata": KEPT}).json()
    one = f"{tokens}/{made['id']}"
    assert actions(app)[0][1]["metadata"] == sorted(KEPT)
    assert app.client.get(f"{one}/details", headers=backend).json()["metadata"] == KEPT
    app.client.post(f"{one}/rotate", headers=backend, json={})
    assert app.client.put(f"{one}/details", headers=backend, json={"description": "x"}).json()["metadata"] == KEPT
    changed = app.client.put(f"{one}/details", headers=backend, json={"metadata": {"plan": "free"}}).json()
    assert changed["metadata"] == {"plan": "free"}
    assert actions(app)[0][1]["metadata"] == sorted(KEPT)
    app.client.delete(one, headers=backend)
    assert app.client.get(f"{one}/details", headers=backend).json()["metadata"] == {"plan": "free"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "Must be a JSON object"),
        ([], "Must be a JSON object"),
        ("{}", "Must be a JSON object"),
        ({"a": "b\0"}, "Must not contain NUL or unpaired surrogates"),
        ({"a": {"\ud800": 1}}, "Must not contain NUL or unpaired surrogates"),
        ({"": 1}, WRONG_KEY),
        ({'a"': 1}, WRONG_KEY),
        ({"a\\": 1}, WRONG_KEY),
        ({"a\n": 1}, WRONG_KEY),
        ({"a" * (KEY_LENGTH_MAX + 1): 1}, WRONG_KEY),
        ({"a": [WHOLE_MAX + 1]}, f"Must have no whole number beyond {WHOLE_MAX}"),
        ({"a": "ä" * (BYTES_MAX // 2 - 3)}, f"Must be at most {BYTES_MAX} bytes"),
    ],
)
def test_what_is_no_metadata_is_refused(app: App, value: object, reason: str) -> None:
    backend = backend_of(app)
    for answer in ask_all(app, backend, json.dumps({"metadata": value})):
        assert faults(answer) == [(reason, "metadata")]
    assert app.client.get(at("a"), headers=backend).json()["metadata"] == {}


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_number_that_is_none_is_refused(app: App, number: str) -> None:
    for answer in ask_all(app, backend_of(app), f'{{"metadata": {{"a": {number}}}}}'):
        assert faults(answer) == [("Must have no number beyond a double's", "metadata")]


def ask_all(app: App, backend: dict[str, str], body: str) -> list[httpx2.Response]:
    """Send it wherever metadata is taken."""
    made = app.client.post(f"{at('a')}/tokens", headers=backend, json={"create_user": True}).json()
    details = f"{at('a')}/tokens/{made['id']}/details"
    send = app.client.request
    asked = [("PUT", at("a")), ("PATCH", at("a")), ("POST", f"{at('a')}/tokens"), ("PUT", details)]
    return [send(method, path, headers=backend, content=body) for method, path in asked]


def test_token_is_kept_out_of_metadata(app: App) -> None:
    backend = backend_of(app)
    answer = app.client.put(at("a"), headers=backend, json={"metadata": {"a": [f"x {app.token}"]}})
    assert faults(answer) == [("Must not hold a token", "metadata")]
    named = {
        "subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzsAbCdEfGhIjKlMn"
    }  # as a product's own name for something may be
    assert app.client.put(at("a"), headers=backend, json={"metadata": named}).json()["metadata"] == named


def test_bounds_are_what_is_still_taken(app: App) -> None:
    backend = backend_of(app)
    deepest: Any = WHOLE_MAX
    for _ in range(DEPTH_MAX - 1):
        deepest = [deepest]
    longest = {"a": "x" * (BYTES_MAX - len('{"a":""}'))}
    for kept in ({"a": deepest}, longest):
        assert app.client.put(at("a"), headers=backend, json={"metadata": kept}).json()["metadata"] == kept
    deeper = app.client.put(at("a"), headers=backend, json={"metadata": {"a": [deepest]}})
    assert faults(deeper) == [(f"Must be nested at most {DEPTH_MAX} deep", "metadata")]


def test_user_sees_the_metadata_of_own_tokens_and_does_not_set_it(app_on_each_engine: App) -> None:
    """It is what the product says of a user, which services go by."""
    app = app_on_each_engine
    backend = backend_of(app)
    body = {"create_user": True, "scopes": "*", "metadata": {"plan": "free"}}
    made = app.client.post(f"{at('a')}/tokens", headers=backend, json=body).json()
    _, secret = token_of_another_user(app)
    other = {"Authorization": f"Bearer {secret}"}
    own = app.client.get("/v4/profile/tokens/details", headers=other).json()["data"][0]
    path = f"/v4/profile/tokens/{own['id']}/details"
    refused = app.client.put(path, headers=other, json={"metadata": {"plan": "pro"}})
    assert faults(refused) == [("Is for administrators and the product's backend to change", "metadata")]
    assert app.client.put(path, headers=other, json=own).json() == own, "an object may be sent back as it was read"
    assert (
        app.client.get(f"{at('a')}/tokens/{made['id']}/details", headers=backend).json()["metadata"] == body["metadata"]
    )
    assert app.client.put(path, headers=backend, json={"metadata": {}}).status_code in {401, 404}


def test_administrator_sets_the_metadata_of_own_tokens_in_their_details_alone(app: App) -> None:
    made = create(app)
    path = f"/v4/profile/tokens/{made['id']}"
    for answer in (
        app.client.post("/v4/profile/tokens", headers=app.bearer, json={"metadata": KEPT}),
        app.client.put(path, headers=app.bearer, json={"metadata": KEPT}),
    ):
        assert [field for _, field in faults(answer)] == ["metadata"]
    assert app.client.put(f"{path}/details", headers=app.bearer, json={"metadata": KEPT}).json()["metadata"] == KEPT
    listed = app.client.get("/v4/account/tokens", headers=app.bearer).json()["data"]
    assert [row["metadata"] for row in listed] == [{}, KEPT]
    exported = app.client.get("/v4/account/tokens/export", headers=app.bearer).text
    assert exported.splitlines()[0].endswith(",description,metadata")
    kept = json.dumps(KEPT, ensure_ascii=False, sort_keys=True)
    assert kept.replace('"', '""') in exported


ENTRIES: dict[str, Any] = {
    "text": "pro",
    "number in a text": "1",
    "odd text": 'ü"\\ \n\x7f',
    "one": 1,
    "one and nothing": 1.0,
    "nothing": 0,
    "less than nothing": -0.0,
    "true": True,
    "false": False,
    "null": None,
    "third": 1 / 3,
    "sum": 0.1 + 0.2,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "most": WHOLE_MAX,
    "beyond": 1e16,
    "list": [1],
    "object": {"plan": "pro"},
}


def same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@pytest.mark.parametrize("key", ["plan", "a.b", "[0]", "$", "it's", "日本", "a b", "#-1", "%", "? :a"])
def test_users_are_found_by_an_entry_of_their_metadata(app_on_each_engine: App, key: str) -> None:
    """By what equals it in JSON, where one is a number and true is not, on both engines alike."""
    app = app_on_each_engine
    backend = backend_of(app)
    app.client.put(at("without"), headers=backend, json={"metadata": {"of": {key: "pro"}}})
    app.client.put(at("with none"), headers=backend)
    kept = ENTRIES if key == "plan" else {"text": "pro", "null": None}
    for name, value in kept.items():
        assert app.client.put(at(name), headers=backend, json={"metadata": {key: value}}).status_code == 200
    for value in kept.values():
        if not isinstance(value, list | dict):
            found = [user["external_id"] for user in filtered(app, USERS, backend, {f"metadata.{key}": value})]
            assert found == [name for name, other in kept.items() if same(value, other)], value
            assert found


def filtered(app: App, path: str, headers: dict[str, str], filter: object) -> list[Any]:
    answer = app.client.get(path, headers={**headers, "X-Filter": json.dumps(filter)})
    assert answer.status_code == 200, answer.text
    rows: list[Any] = answer.json()["data"]
    return rows


def test_tokens_are_found_by_an_entry_of_their_metadata(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend, tokens = backend_of(app), f"{at('a')}/tokens"
    for plan in ("free", "pro"):
        body = {"create_user": True, "label": plan, "metadata": {"plan": plan}}
        app.client.post(tokens, headers=backend, json=body)
    pro = {"+or": [{"metadata.plan": {"+eq": "pro"}}, {"metadata.plan": "none"}], "+order_by": "last_used"}
    for path, headers in ((f"{tokens}/details", backend), ("/v4/account/tokens", app.bearer)):
        assert [row["label"] for row in filtered(app, path, headers, pro)] == ["pro"]


@pytest.mark.parametrize(
    "filter",
    [
        {"metadata": {}},
        {"metadata": "{}"},
        {"metadata.": 1},
        {'metadata.a"': 1},
        {"metadata.a": []},
        {"metadata.a": {"+neq": 1}},
        {"metadata.a": {"+contains": "x"}},
        {"metadata.a": {}},
        {"metadata.a": "\0"},
        {"metadata.a": WHOLE_MAX + 1},
        {"metadata.a": float("inf")},
        {"metadata.a": float("nan")},
        {"+order_by": "metadata"},
        {"+order_by": "metadata.a"},
        {"username.a": "x"},
        {"+and": [{"metadata.a": 1}] * 26},
    ],
)
def test_filter_that_is_none_is_refused(app: App, filter: object) -> None:
    answer = app.client.get(USERS, headers={**backend_of(app), "X-Filter": json.dumps(filter)})
    assert [field for _, field in faults(answer)] == ["X-Filter"]

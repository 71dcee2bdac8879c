"""Tokens with a prefix of the operator's: new ones have it, and those of former prefixes go on working."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.conftest import App, Clock, make_app
from tests.description import CHECKED
from tokenry.application import build_app
from tokenry.domain.secrets import PREFIX_LENGTH_MAX

TOKENS = "/v4/profile/tokens"
LONGEST = "a_long_name_"
assert len(LONGEST) == PREFIX_LENGTH_MAX
CHANGED = ("pat_", LONGEST, "b_", "acme_", "pat_")
"""One after the other in one installation."""


@contextmanager
def opened(app: App, prefix: str) -> Iterator[App]:
    """The application of an installation that is there, with this prefix."""
    settings = app.settings.model_copy(update={"token_prefix": prefix})
    client = TestClient(build_app(settings, app.clock), base_url="http://testserver", raise_server_exceptions=False)
    client.event_hooks = CHECKED
    with client:
        yield App(client, app.clock, settings, app.token)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def ask(app: App, text: str) -> int:
    return app.client.get("/verify", headers=bearer(text)).status_code


def post(app: App, path: str, body: object = None, **headers: str) -> httpx2.Response:
    return app.client.post(path, headers={**app.bearer, **headers}, json=body)


@pytest.fixture
def closed(tmp_path: Path, clock: Clock, migrated_url: str | None) -> App:
    app = make_app(tmp_path / "data", clock, migrated_url)
    with app.client:
        pass
    return app


def test_new_tokens_have_the_prefix_and_those_of_every_former_one_work(closed: App) -> None:
    made: list[str] = []
    for prefix in CHANGED:
        with opened(closed, prefix) as app:
            created = post(app, TOKENS, {"label": prefix}).json()
            assert re.fullmatch(rf"{prefix}[0-9A-Za-z]{{50}}", created["token"])
            made.append(created["token"])
            assert [ask(app, text) for text in made] == [200] * len(made)
            assert [ask(app, text) for text in made] == [200] * len(made)  # now that they are remembered
            shown = app.client.get(f"{TOKENS}/{created['id']}", headers=app.bearer).json()["token"]
            assert shown == created["token"][:-38]
            assert len(shown) == len(prefix) + 12
    with opened(closed, "pat_") as app:
        listed = app.client.get(f"{TOKENS}?page_size=100", headers=app.bearer).json()["data"]
        assert [row["token"] for row in listed[1:]] == [text[:-38] for text in made]
        told = post(app, "/verify/batch", {"tokens": made}).json()
        assert [each["active"] for each in told] == [True] * len(made)
        for row, text in zip(listed[1:], made, strict=True):
            app.client.delete(f"{TOKENS}/{row['id']}", headers=app.bearer)
            assert ask(app, text) == 401


def test_rotation_gives_the_prefix_that_is_set_now_and_ends_the_old_secret(closed: App) -> None:
    with opened(closed, "b_") as app:
        created = post(app, TOKENS).json()
    with opened(closed, LONGEST) as app:
        old = created["token"]
        assert ask(app, old) == 200
        rotated = post(app, f"{TOKENS}/{created['id']}/rotate", {"activate": "now", "grace": 0}).json()
        assert rotated["token"].startswith(LONGEST)
        assert (ask(app, old), ask(app, rotated["token"])) == (401, 200)
        again = post(app, f"{TOKENS}/{created['id']}/rotate", {"activate": "first_use"}).json()["token"]
        assert [ask(app, text) for text in (rotated["token"], again)] == [200, 200]
        shown = app.client.get(f"{TOKENS}/{created['id']}", headers=app.bearer).json()["token"]
        assert shown == again[:-38]


def test_repeated_request_gives_a_fresh_secret_with_the_prefix(closed: App) -> None:
    with opened(closed, "acme_") as app:
        first, second = (post(app, TOKENS, {}, **{"Idempotency-Key": "one"}).json() for _ in range(2))
        assert first["id"] == second["id"]
        assert second["token"].startswith("acme_")
        assert (ask(app, first["token"]), ask(app, second["token"])) == (401, 200)


def test_leak_report_revocation_explanation_and_introspection_know_it(closed: App) -> None:
    with opened(closed, LONGEST) as app:
        leaked, given, kept = (post(app, TOKENS).json()["token"] for _ in range(3))
        told = post(app, "/verify/explain", {"token": kept}).json()
        assert (told["active"], told["token"]) == (True, kept[:-38])
        assert [step["reason"] for step in told["steps"][:2]] == [
            f"it begins with {LONGEST}",
            "it has 62 characters, all letters and digits",
        ]
        assert kept[-38:] not in str(told)
        body = {"token": kept}
        assert app.client.post("/oauth/introspect", headers=app.bearer, data=body).json()["active"] is True
        assert app.client.post("/v4/credentials/revoke", json={"credentials": [leaked]}).status_code == 202
        assert app.client.post("/oauth/revoke", headers=app.bearer, data={"token": given}).status_code == 200
        assert [ask(app, text) for text in (leaked, given, kept)] == [401, 401, 200]


def test_first_token_has_the_prefix(tmp_path: Path, clock: Clock) -> None:
    clock.seconds += 1  # so that it is not copied
    app = make_app(tmp_path / "data", clock, token_prefix="acme_")
    with app.client:
        assert app.token.startswith("acme_")
        assert ask(app, app.token) == 200

"""Leak reports, against the whole application."""

import json
import random

import httpx2
import pytest

from tests.api.parts import TOKENS, create, opens, rotate
from tests.conftest import App
from tests.issuing import bearer
from tokenry.api.leaks import CREDENTIALS_MAX
from tokenry.domain.secrets import CHECKSUM_LENGTH, Secret, checksum
from tokenry.web.bodies import BODY_BYTES_MAX

REPORT = "/v4/credentials/revoke"
FAULT = {"reason": "Must be a list of at most 1000 strings", "field": "credentials"}


def report(app: App, *texts: str, path: str = REPORT) -> tuple[int, str]:
    answer = app.client.post(path, json={"credentials": texts})
    return answer.status_code, answer.text


def sibling(text: str) -> str:
    """Another token's text under the same preview, its checksum right."""
    changed = text[:16] + text[16:48][::-1]
    return changed + checksum(changed)


@pytest.mark.parametrize("version", ["v4", "v4beta"])
def test_reported_tokens_are_refused_at_once(app_on_each_engine: App, version: str) -> None:
    app = app_on_each_engine
    texts = [create(app)["token"] for _ in range(2)]
    kept = create(app)["token"]
    assert opens(app, *texts, kept) == [True, True, True]
    assert report(app, *texts, path=f"/{version}/credentials/revoke") == (202, "{}")
    assert opens(app, *texts, kept) == [False, False, True]


def test_answer_is_the_same_whatever_is_reported(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    live, deleted = create(app), create(app)
    app.client.delete(f"{TOKENS}/{deleted['id']}", headers=app.bearer)
    unknown = Secret.generate().reveal()
    reports = [[], [""], ["é\0"], ["x" * 10_000], [deleted["token"]], [unknown], [sibling(live["token"])]]
    answers = [app.client.post(REPORT, json={"credentials": texts}) for texts in [*reports, [live["token"]] * 3]]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, "{}")}
    names = {tuple(answer.headers) for answer in answers}
    assert len(names) == 1


def test_token_is_not_revoked_for_what_only_looks_like_it(app: App) -> None:
    text = create(app)["token"]
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert report(app, sibling(text), wrong, text[:-1], f"{text} ", text[:-CHECKSUM_LENGTH], text[:16]) == (202, "{}")
    assert opens(app, text) == [True]


def test_details_say_who_revoked_it(app: App) -> None:
    created = create(app)
    report(app, created["token"])
    details = app.client.get(f"{TOKENS}/{created['id']}/details", headers=app.bearer).json()
    assert (details["state"], details["revoked_by"]) == ("revoked", "leak report")


def test_either_secret_of_a_rotated_token_revokes_it(app: App) -> None:
    for reported in (0, 1):
        created = create(app)
        texts = [created["token"], rotate(app, created["id"])["token"]]
        report(app, texts[reported])
        assert opens(app, *texts) == [False, False]


def test_secret_whose_grace_is_over_revokes_nothing(app: App) -> None:
    created = create(app)
    rotated = rotate(app, created["id"], grace=60, activate="now")
    app.clock.seconds += 60
    report(app, created["token"])
    assert opens(app, rotated["token"]) == [True]


def test_nobody_needs_a_token_to_report_one(app: App) -> None:
    created = create(app)
    answer = app.client.post(REPORT, headers=bearer("pat_junk"), json={"credentials": [created["token"]]})
    assert (answer.status_code, answer.headers["x-oauth-scopes"]) == (202, "unknown")
    assert opens(app, created["token"]) == [False]


@pytest.mark.parametrize("body", [{}, {"credentials": None}, {"credentials": "pat_"}, {"credentials": {"a": "b"}}])
@pytest.mark.parametrize("more", [{}, {"also": 1}])
def test_body_of_another_shape_is_refused(app: App, body: dict[str, object], more: dict[str, object]) -> None:
    answer = app.client.post(REPORT, json=body | more)
    assert (answer.status_code, answer.json()["errors"]) == (400, [FAULT])


def test_one_item_that_is_no_string_refuses_all(app: App) -> None:
    text = create(app)["token"]
    for item in (1, None, [text], {text: text}):
        answer = app.client.post(REPORT, json={"credentials": [text, item]})
        assert (answer.status_code, answer.json()["errors"]) == (400, [FAULT])
    assert opens(app, text) == [True]


def test_thousand_tokens_fit_one_report(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    draw = random.Random(1).randbytes
    texts = [Secret.generate(draw).reveal() for _ in range(CREDENTIALS_MAX - 1)]
    leaked = create(app)["token"]
    assert len(json.dumps({"credentials": [*texts, leaked]})) < BODY_BYTES_MAX
    assert report(app, *texts, leaked) == (202, "{}")
    assert opens(app, leaked) == [False]


def test_more_than_a_thousand_are_refused(app: App) -> None:
    answer = app.client.post(REPORT, json={"credentials": ["x"] * (CREDENTIALS_MAX + 1)})
    assert (answer.status_code, answer.json()["errors"]) == (400, [FAULT])


def test_one_address_reports_ten_times_a_minute_on_both_versions_together(app: App) -> None:
    """Also where the operator has turned off the other limits, as here."""
    versions = ["/v4/credentials/revoke", "/v4beta/credentials/revoke"] * 5
    assert [report(app, path=path)[0] for path in versions] == [202] * 10
    text = create(app)["token"]
    refused: httpx2.Response = app.client.post(REPORT, json={"credentials": [text]})
    assert (refused.status_code, refused.headers["x-ratelimit-limit"]) == (429, "10")
    assert opens(app, text) == [True]
    assert app.client.get("/v4/regions").status_code == 200
    app.clock.seconds += int(refused.headers["retry-after"])
    assert report(app, text) == (202, "{}")

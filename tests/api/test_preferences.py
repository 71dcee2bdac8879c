"""What users choose for themselves, over HTTP."""

import pytest

from tests.api.parts import actions, bearer_of, faults
from tests.conftest import App

PREFERENCES = "/v4/tokenry/profile/preferences"


def test_language_is_the_users_own_and_null_takes_it_back(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    assert app.client.get(PREFERENCES, headers=app.bearer).json() == {"language": None}
    chosen = app.client.put(PREFERENCES, headers=app.bearer, json={"language": "de"}).json()
    assert chosen == {"language": "de"} == app.client.get(PREFERENCES, headers=app.bearer).json()
    assert app.client.get(PREFERENCES, headers=bearer_of(app, "ada")).json() == {"language": None}
    assert ("profile.update", {"changed": ["language"]}) in actions(app)
    assert app.client.put(PREFERENCES, headers=app.bearer, json={}).json() == {"language": "de"}
    assert app.client.put(PREFERENCES, headers=app.bearer, json={"language": None}).json() == {"language": None}


@pytest.mark.parametrize("body", [{"language": ""}, {"language": "fr"}, {"language": ["de"]}])
def test_what_is_no_language_is_refused(app: App, body: dict[str, object]) -> None:
    refused = app.client.put(PREFERENCES, headers=app.bearer, json=body)
    assert (refused.status_code, [field for _, field in faults(refused)]) == (400, ["language"])

"""An application for generated requests."""

from collections.abc import Iterator

import pytest

from tests.api.parts import TOKENS
from tests.conftest import App, Clock, make_app

NARROW = "account:read_write domains:read_only linodes:read_write"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One application for every example, since no example depends on another; its token is number 1, of scope `*`."""
    app = make_app(tmp_path_factory.mktemp("properties") / "data", Clock())
    with app.client:
        yield app


@pytest.fixture(scope="module")
def narrow(whole: App) -> dict[str, str]:
    """The header of token number 2, which may do little."""
    created = whole.client.post(TOKENS, headers=whole.bearer, json={"label": "narrow", "scopes": NARROW}).json()
    return {"Authorization": f"Bearer {created['token']}"}

"""Forms of the console as nobody sends them who means well: none is a defect, and none gives a secret away."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.generating import bounded
from tests.api.parts import routes
from tests.conftest import App, Clock, make_app
from tests.pages.console.parts import make_token
from tests.pages.parts import PUBLIC_URL, Visitor, give_password, hidden
from tokenry.pages.page import Page
from tokenry.wiring import open_installation

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": PUBLIC_URL}
FIELD = re.compile(r'name="([\w.]+)"')
SHOWN = re.compile(r"Something went wrong|Traceback")

names = st.sampled_from(
    ["key", "step", "id", "action", "level.linodes", "level.", "scope", "day", "starts", "form_token", "grace"]
)
typical = st.sampled_from(
    ["", "*", "make", "save", "set", "disable", "90", "never", "read_write", "2027-01-31", "9999-12-31", "1"]
)
values = typical | st.text(max_size=40) | st.integers().map(str)


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, Visitor]]:
    """One application for every example, and its administrator, who has just chosen a password."""
    app = make_app(tmp_path_factory.mktemp("forms") / "data", Clock(), public_url=PUBLIC_URL)
    do = open_installation(app.settings, app.clock)
    with app.client:
        make_token(do, "victim")
        yield app, give_password(app, do)
    do.database.close()


def forms_of(app: App) -> list[str]:
    """The path of every page of the console that has a form, of things that are there and of some that are not."""
    pages = [(each.path, each.app) for each in routes(app) if each.path.startswith("/console")]
    found = [path for path, page in pages if isinstance(page, Page) and "POST" in page.methods]
    assert len(found) > 10
    return sorted({re.sub(r"\{\w+\}", number, path) for path in found for number in ("2", "99")})


@bounded
@given(data=st.data())
def test_no_form_of_the_console_is_a_defect(visited: tuple[App, Visitor], data: st.DataObject) -> None:
    app, admin = visited
    path = data.draw(st.sampled_from(forms_of(app)))
    page = admin.get(path).text
    own = st.sampled_from(sorted(set(FIELD.findall(page)) | {"x"}))
    pairs = data.draw(st.lists(st.tuples(own | names, values), max_size=12))
    known = list(hidden(page).items()) if data.draw(st.booleans()) else []
    body = urlencode([*known, *pairs]).encode("ascii") + data.draw(st.sampled_from([b"", b"&&=%zz&%00=%ff"]))
    for _ in range(2):
        answer = admin.client.post(path, content=body, headers=FORM)
        assert answer.status_code in {200, 303, 400, 403, 404, 409, 429}, (path, body)
        assert SHOWN.search(answer.text) is None


def test_form_without_its_token_changes_nothing(visited: tuple[App, Visitor]) -> None:
    app, admin = visited
    for path in forms_of(app):
        for form in ({}, {"form_token": "x" * 43}, {"step": "make", "confirmed": "yes", "action": "save"}):
            answer = admin.post(path, form)
            assert answer.status_code == 403, path
            assert "Send it again?" in answer.text

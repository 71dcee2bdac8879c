"""Every form of the console, sent by two at once and once more: a secret that it makes is made once, and shown once."""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.conftest import App
from tests.pages.console.administering import (
    ADMIN,
    CHILDREN,
    CLIENT,
    FORMS,
    OWN,
    SERVICE_ACCOUNT,
    USER,
    WEBHOOK,
    make_firm,
    methods_of,
    newest_event,
)
from tests.pages.console.parts import make_token
from tests.pages.parts import Visitor, fields_of, hidden, pages
from tokenry.domain.secrets import holds_secret
from tokenry.domain.webhooks import SECRET_PREFIX
from tokenry.service.installation import Installation

SHOWING = {
    f"{OWN}/new",
    f"{OWN}/{{token_id}}/rotate",
    f"{ADMIN}/new-user",
    f"{USER}/link",
    f"{SERVICE_ACCOUNT}/token",
    f"{ADMIN}/new-client",
    f"{CLIENT}/reset",
    f"{ADMIN}/new-webhook",
    f"{WEBHOOK}/rotate",
    f"{WEBHOOK}/rotate-now",
    f"{CHILDREN}/{{euuid}}/token",
}
"""Those whose answer has a secret, a link among them."""
ELSEWHERE = {
    "/console/notices",  # needs something to tell
    "/console/applications",
    "/console/sessions",
    f"{OWN}/revoke",
    f"{OWN}/revoke-all",
    f"{OWN}/{{token_id}}/revoke",
    f"{ADMIN}/mail",
    f"{ADMIN}/leaked",
    f"{ADMIN}/policy/change",  # which is sent with what it was reviewed against, or is reviewed again
}
"""Those that end something, or tell it, and have their own tests."""


def shows_secret(answer: httpx2.Response) -> bool:
    """Whether there is a new secret on a page."""
    return holds_secret(answer.text) or SECRET_PREFIX in answer.text


def test_every_form_that_shows_a_secret_makes_it_once(owner: tuple[App, Installation, Visitor]) -> None:
    app, do, admin = owner
    forms = [route for route in pages(app) if route.path.startswith("/console") and "POST" in methods_of(route)]
    assert {route.path for route in forms} == FORMS.keys() | ELSEWHERE
    firm, own, showing = make_firm(do), make_token(do, "own"), set[str]()
    paths = {route.path: firm.path_of(route) for route in forms}
    paths |= {path: path.format(token_id=own.id) for path in paths if path.startswith(OWN)}
    token = hidden(admin.get("/sign-out").text)
    with ThreadPoolExecutor(2) as pool:
        for path, fields in FORMS.items():
            form = {**token, **fields_of(admin.get(paths[path]).text), **fields}
            answers = [*pool.map(lambda _: admin.post(paths[path], form), range(2))]  # noqa: B023 - done before the next
            recorded = newest_event(do)
            answers.append(admin.post(paths[path], form))
            told = sorted((answer.status_code, shows_secret(answer)) for answer in answers)
            if any(shows for _, shows in told):
                showing.add(path)
                assert (path, told, newest_event(do)) == (path, [(200, True), (303, False), (303, False)], recorded)
                page = admin.get(answers[-1].headers["location"])
                assert (path, "was sent before" in page.text) == (path, True)
            assert told[0][0] in {200, 303}, (path, answers[0].text)
    assert showing == SHOWING

"""Every form of the console, sent by two at once and once more: a secret that it makes is made once, and shown once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.conftest import App
from tests.pages.console.administering import ADMIN, BACKEND, CHILDREN, make_firm, methods_of
from tests.pages.console.parts import make_token
from tests.pages.parts import Visitor, hidden, pages
from tokenry.domain.secrets import holds_secret
from tokenry.domain.webhooks import SECRET_PREFIX
from tokenry.service.installation import Installation
from tokenry.storage.audit import list_events

OWN = "/console/tokens"
USER, SERVICE_ACCOUNT = f"{ADMIN}/users/{{username}}", f"{ADMIN}/service-accounts/{{username}}"
CLIENT, WEBHOOK = f"{ADMIN}/clients/{{client_id}}", f"{ADMIN}/webhooks/{{webhook_id}}"
FORMS: Mapping[str, Mapping[str, str]] = {
    f"{OWN}/new": {"label": "new", "expires": "90", "more": "linodes:read_only", "step": "make"},
    f"{OWN}/{{token_id}}": {"action": "save", "label": "renamed"},
    f"{OWN}/{{token_id}}/rotate": {"grace": "0", "begin": "now"},
    "/console/settings": {"timezone": "UTC"},
    "/console/settings/notifications": {},
    f"{ADMIN}/tokens/chosen": {"do": "disable", "id": "3"},
    f"{ADMIN}/tokens/{{token_id}}/watch": {"do": "watch", "level.linodes": "read_only"},
    f"{ADMIN}/new-user": {"username": "newcomer", "email": "new@example.org"},
    f"{USER}/change": {"username": "ada", "email": "ada@example.org"},
    f"{USER}/link": {},
    f"{USER}/disable": {},
    f"{USER}/enable": {},
    f"{USER}/delete": {"typed": "ada"},
    f"{ADMIN}/new-service-account": {"username": "newer", "level.linodes": "read_only"},
    f"{SERVICE_ACCOUNT}/change": {"level.linodes": "read_only"},
    f"{SERVICE_ACCOUNT}/token": {"label": "new", "level.tokenry_users": "read_only", "lifetime": "90"},
    f"{SERVICE_ACCOUNT}/disable": {},
    f"{SERVICE_ACCOUNT}/enable": {},
    f"{SERVICE_ACCOUNT}/delete": {"typed": BACKEND},
    f"{ADMIN}/new-client": {"label": "new", "redirect_uri": "https://new.example/callback"},
    f"{CLIENT}/change": {
        "label": "Calendar",
        "redirect_uris": "https://new.example/",
        "grant_types": "authorization_code",
        "level.linodes": "read_only",
    },
    f"{CLIENT}/reset": {},
    f"{CLIENT}/delete": {"typed": "Calendar"},
    f"{ADMIN}/new-webhook": {"url": "https://hooks.example/new"},
    WEBHOOK: {},
    f"{WEBHOOK}/change": {"url": "https://hooks.example/other"},
    f"{WEBHOOK}/rotate": {},
    f"{WEBHOOK}/rotate-now": {},
    f"{WEBHOOK}/disable": {},
    f"{WEBHOOK}/enable": {},
    f"{WEBHOOK}/delete": {},
    f"{CHILDREN}/{{euuid}}/token": {},
}
"""What each is filled in with, in the order in which they are sent."""
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


def newest_event(do: Installation) -> int:
    """The id of what was recorded last."""
    with do.database.read() as connection:
        return list_events(connection, limit=1)[0].id


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
            form = {**token, **hidden(admin.get(paths[path]).text), **fields}
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

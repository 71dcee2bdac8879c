"""Forms of the console that no browser sends: without a field that each sends, or with one twice."""

import re

from tests.conftest import App
from tests.pages.console.administering import ADMIN, FORMS, OWN, WEBHOOK, make_firm, newest_event
from tests.pages.console.parts import make_token
from tests.pages.parts import Visitor, fields_of, pages
from tokenry.service.installation import Installation

POLICY = f"{ADMIN}/policy/change"
OTHERS = {"form_token", "key", "more", "delivery"}
"""Fields without which a form is another, does the same, or gives less."""
AT = {"/console/settings/notifications": "/console/settings"}
"""Where a form is whose own page leads elsewhere."""
BOX = re.compile(r'type="checkbox"[^>]* name="([^"]+)"')


def test_form_without_a_field_or_with_one_twice_changes_nothing(site: App, do: Installation, admin: Visitor) -> None:
    """An empty field may mean "no limit", or "all": so one that did not arrive is not taken for that."""
    firm, own = make_firm(do), make_token(do, "own")
    paths = {route.path: firm.path_of(route) for route in pages(site) if route.path.startswith(ADMIN)}
    paths |= {path: path.format(token_id=own.id) for path in FORMS if path not in paths and OWN in path}
    tried = set[str]()
    for path, filled in {**FORMS, POLICY: {"step": "set"}}.items():
        page = admin.get(AT.get(path) or paths.get(path, path)).text
        boxes, recorded = set(BOX.findall(page)), newest_event(do)
        fields = fields_of(page, paths.get(path, path))
        form: dict[str, str | list[str]] = {**fields, **filled}
        for name in fields.keys() - OTHERS:
            without = {key: value for key, value in form.items() if key != name}
            for wrong in [without] if name in boxes else [without, {**form, name: ["", "x"]}]:
                answer = admin.post(paths.get(path, path), wrong)
                told = (answer.status_code, "did not arrive whole" in answer.text, newest_event(do))
                assert (path, name, *told) == (path, name, 403, True, recorded)
            tried.add(name)
    assert {"max_lifetime", "events", "networks", "mail", "dpop_required", "timezone", "typed"} <= tried


def test_webhook_that_is_told_nothing_of_what_to_send_sends_nothing(do: Installation, admin: Visitor) -> None:
    path = WEBHOOK.format(webhook_id=make_firm(do).webhook_id)
    token = fields_of(admin.get("/sign-out").text)
    assert admin.post(path, token).status_code == 403

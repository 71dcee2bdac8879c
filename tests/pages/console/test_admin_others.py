"""What administrators do with service accounts, OAuth clients and child accounts, and what they read."""

import csv
import io
import re

import pytest

from tests.conftest import App
from tests.pages.console.administering import ADMIN, BACKEND, CALENDAR, CHILDREN, Firm, make_firm
from tests.pages.parts import Visitor, fields_of
from tokenry.domain.clients import Authentication
from tokenry.domain.oauth import GrantType
from tokenry.service.installation import Installation

ACCOUNTS = f"{ADMIN}/service-accounts"
CLIENTS = f"{ADMIN}/clients"
AUDIT = f"{ADMIN}/audit"
SHOWN = re.compile(r'<input type="text" id="new-secret" value="([^"]+)"')


@pytest.fixture
def firm(do: Installation) -> Firm:
    """One thing of each kind."""
    return make_firm(do)


def shown_once(page: str) -> str:
    found = SHOWN.search(page)
    assert found is not None, page
    return found[1]


def verified(site: App, secret: str) -> int:
    return site.client.get("/verify", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_service_account_is_made_with_a_ceiling(do: Installation, admin: Visitor) -> None:
    form = {"username": "backend", "level.linodes": "read_only", "level.domains": "read_write"}
    answer = admin.submit(f"{ADMIN}/new-service-account", **form)
    assert answer.headers["location"] == f"{ACCOUNTS}/backend"
    assert "domains:read_write linodes:read_only" in admin.get(f"{ACCOUNTS}/backend").text
    answer = admin.submit(f"{ADMIN}/new-service-account", username="backend", more="nothing:here")
    assert (answer.status_code, "Invalid scope: nothing:here" in answer.text) == (400, True)


def test_token_of_a_service_account_is_shown_once_and_works_until_it_is_disabled(
    site: App, admin: Visitor, firm: Firm
) -> None:
    path = f"{ACCOUNTS}/{BACKEND}"
    answer = admin.submit(f"{path}/token", label="shop", lifetime="90", **{"level.tokenry_tokens": "read_write"})
    secret = shown_once(answer.text)
    assert verified(site, secret) == 200
    assert secret not in admin.get(path).text
    admin.submit(f"{path}/disable")
    assert verified(site, secret) == 401
    admin.submit(f"{path}/enable")
    assert verified(site, secret) == 200
    admin.submit(f"{path}/delete", typed=BACKEND)
    assert (verified(site, secret), admin.get(path).status_code) == (401, 404)


def test_client_is_registered_and_its_secret_shown_once(do: Installation, admin: Visitor) -> None:
    form = {"label": "Mail", "redirect_uri": "https://mail.example/callback"}
    secret = shown_once(admin.submit(f"{ADMIN}/new-client", **form).text)
    [path] = re.findall(rf'<td><a href="({CLIENTS}/[^"]+)">Mail', admin.get(CLIENTS).text)
    again = shown_once(admin.submit(f"{path}/reset").text)
    assert again != secret
    assert again not in admin.get(path).text


def test_public_client_has_no_secret(admin: Visitor) -> None:
    form = {"label": "App", "redirect_uri": "https://app.example/", "public": "yes"}
    answer = admin.submit(f"{ADMIN}/new-client", **form)
    assert answer.status_code == 303
    page = admin.get(answer.headers["location"]).text
    assert ("It has no secret." in page, "Make another secret" in page) == (True, False)


def test_client_is_changed_as_a_whole(do: Installation, admin: Visitor, firm: Firm) -> None:
    form = {
        **fields_of(admin.get(f"{CLIENTS}/{CALENDAR}/change").text),
        "label": "Calendar 2",
        "redirect_uris": "https://a.example/\r\nhttps://b.example/",
        "level.linodes": "read_only",
        "grant_types": "authorization_code",
        "authentication": "client_secret_post",
        "pkce_required": "yes",
        "narrowing": "yes",
    }
    assert admin.post(f"{CLIENTS}/{CALENDAR}/change", form).status_code == 303
    client = do.clients.get_client(CALENDAR)
    assert (client.label, client.redirect_uris) == ("Calendar 2", ("https://a.example/", "https://b.example/"))
    assert (str(client.rights.scopes), client.rights.grant_types) == (
        "linodes:read_only",
        frozenset({GrantType.AUTHORIZATION_CODE}),
    )
    assert (client.authentication, client.rights.narrowing, client.rights.par_required) == (
        Authentication.POST,
        True,
        False,
    )
    answer = admin.post(f"{CLIENTS}/{CALENDAR}/change", {**form, "redirect_uris": "", "more": "no:such"})
    assert (answer.status_code, 'value="no:such"' in answer.text) == (400, True)
    admin.submit(f"{CLIENTS}/{CALENDAR}/delete", typed="Calendar 2")
    assert admin.get(f"{CLIENTS}/{CALENDAR}").status_code == 404


def test_child_account_is_entered_with_a_token_that_is_shown_once(site: App, admin: Visitor, firm: Firm) -> None:
    assert firm.child_euuid in admin.get(CHILDREN).text
    secret = shown_once(admin.submit(f"{CHILDREN}/{firm.child_euuid}/token").text)
    answer = site.client.get("/v4/account", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["company"] == "Acme"


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("action=user.create", {"user.create"}),
        ("actor=nobody", set()),
        ("since=2999-01-01", set()),
        ("until=1999-01-01", set()),
        ("since=yesterday&action=client.create", {"client.create"}),
    ],
)
def test_audit_is_narrowed_by_the_address_and_its_file_the_same(
    admin: Visitor, firm: Firm, query: str, actions: set[str]
) -> None:
    page = admin.get(f"{AUDIT}?{query}").text
    assert set(re.findall(r"<code>([a-z_]+\.[a-z_.]+)</code></td>", page)) == actions
    rows = csv.DictReader(io.StringIO(admin.get(f"{AUDIT}.csv?{query}").text))
    assert {row["action"] for row in rows} == actions


def test_audit_of_one_thing_is_linked(admin: Visitor, firm: Firm) -> None:
    page = admin.get(f"{AUDIT}?subject=token:{firm.token.id}").text
    assert "1 event" in page


def test_rules_are_shown(admin: Visitor) -> None:
    assert "linodes:read_write" in admin.get(f"{ADMIN}/scopes").text
    assert "no limit" in admin.get(f"{ADMIN}/policy").text


def test_mail_that_does_not_go_out_is_said(admin: Visitor) -> None:
    answer = admin.submit(f"{ADMIN}/mail")
    assert (answer.status_code, "No mail is sent here" in answer.text) == (400, True)

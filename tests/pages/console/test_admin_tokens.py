"""What administrators see of everybody's tokens, and do to them."""

import csv
import io
import re
from datetime import timedelta

import pytest

from tests.conftest import App
from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN, Firm, make_firm
from tests.pages.parts import Visitor
from tokenry.domain.details import Reason, State
from tokenry.domain.tokens import NewToken
from tokenry.service.installation import Installation

TOKENS = f"{ADMIN}/tokens"
LEAKED = f"{ADMIN}/leaked"


@pytest.fixture
def firm(do: Installation) -> Firm:
    """Ada's token, the first of the service, and one that expires soon and may do everything."""
    firm = make_firm(do)
    soon = do.transactions.now().replace(microsecond=0) + timedelta(days=3)
    do.tokens.create_token_for(OPERATOR, "ada", NewToken(label="soon", scopes="*", expiry=soon))
    return firm


def labels(page: str) -> list[str]:
    return re.findall(rf'<a href="{TOKENS}/\d+">([^<]*)</a>', page)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["soon", "deploy", "first token"]),
        ("user=ada", ["soon", "deploy"]),
        ("user=nobody", []),
        ("show=expiring", ["soon"]),
        ("show=never", ["deploy", "first token"]),
        ("show=everything", ["soon", "first token"]),
        ("show=everything&user=ada", ["soon"]),
        ("search=DEP", ["deploy"]),
        ("sort=username", ["deploy", "soon", "first token"]),
        ("sort=-expiry&user=ada", ["deploy", "soon"]),
    ],
)
def test_list_shows_what_the_address_asks_for_and_the_file_the_same(
    admin: Visitor, firm: Firm, query: str, shown: list[str]
) -> None:
    assert labels(admin.get(f"{TOKENS}?{query}").text) == shown
    answer = admin.get(f"{TOKENS}.csv?{query}")
    assert answer.headers["content-disposition"] == 'attachment; filename="tokens.csv"'
    rows = csv.DictReader(io.StringIO(answer.text))
    assert sorted(row["label"] for row in rows) == sorted(shown)


def test_token_has_a_page_with_what_was_done_to_it(admin: Visitor, firm: Firm) -> None:
    page = admin.get(f"{TOKENS}/{firm.token.id}").text
    assert f"<code>{firm.token.preview}…</code>" in page
    assert "A token was made" in page
    assert firm.secret not in page


def test_chosen_tokens_are_revoked_together_for_a_reason(do: Installation, admin: Visitor, firm: Firm) -> None:
    chosen = f"{TOKENS}/chosen?do=revoke&id={firm.token.id}"
    assert "Revoke these tokens?" in admin.get(chosen).text
    answer = admin.submit(f"{TOKENS}/chosen", at=chosen, reason="unused")
    assert answer.headers["location"] == f"{TOKENS}/{firm.token.id}"
    details = do.details.get_details(firm.token.user_id, firm.token.id)
    assert details.revocation is not None
    assert (details.revocation.by, details.revocation.reason) == ("admin", Reason.UNUSED)
    assert "Nobody uses it" in admin.get(f"{TOKENS}/{firm.token.id}").text


def test_chosen_tokens_are_disabled_and_enabled(do: Installation, admin: Visitor, firm: Firm) -> None:
    for do_it, state in (("disable", State.DISABLED), ("enable", State.ACTIVE)):
        admin.submit(f"{TOKENS}/chosen", at=f"{TOKENS}/chosen?do={do_it}&id={firm.token.id}")
        assert do.details.get_details(firm.token.user_id, firm.token.id).state is state


def test_choosing_none_is_said(admin: Visitor) -> None:
    assert admin.get(f"{TOKENS}/chosen?do=revoke").headers["location"] == TOKENS
    assert "Choose some tokens first." in admin.get(TOKENS).text


def test_pasted_secret_is_revoked_and_shown_nowhere(site: App, admin: Visitor, firm: Firm) -> None:
    answer = admin.submit(LEAKED, secret=f" {firm.secret}\n")
    assert (answer.status_code, answer.headers["location"]) == (303, LEAKED)
    assert "The token is revoked" in admin.get(LEAKED).text
    assert site.client.get("/verify", headers={"Authorization": f"Bearer {firm.secret}"}).status_code == 401
    assert "It leaked" in admin.get(f"{TOKENS}/{firm.token.id}").text
    admin.submit(LEAKED, secret=firm.secret)
    assert "No token that works has this text." in admin.get(LEAKED).text


def test_pasted_secret_of_another_account_is_revoked_as_by_anybody(site: App, do: Installation, admin: Visitor) -> None:
    do.accounts.create_account(OPERATOR, company="Other", admin="eve")
    _, secret = do.tokens.create_token_for(OPERATOR, "eve", NewToken(label="theirs"))
    admin.submit(LEAKED, secret=secret.reveal())
    assert "The token is revoked" in admin.get(LEAKED).text
    assert site.client.get("/verify", headers={"Authorization": f"Bearer {secret.reveal()}"}).status_code == 401


def test_what_is_no_token_is_not_shown_again(admin: Visitor) -> None:
    answer = admin.submit(LEAKED, secret="opens sesame")
    assert (answer.status_code, "opens sesame" in answer.text) == (400, False)

"""The list of one's own tokens: which of them it shows, in which order, and what it says of each."""

import asyncio
from collections.abc import Mapping

import pytest

from tests.conftest import App, Clock
from tests.pages.console.parts import labels, make_token, session_of, use
from tests.pages.parts import Visitor, sign_in_as
from tokenry.domain.details import NewDetails
from tokenry.domain.tokens import NewToken, Token
from tokenry.pages.rendering import render
from tokenry.service.installation import Installation

DAY = 24 * 60 * 60
FIRST = "first token"


@pytest.fixture
def tokens(site: App, do: Installation, ada: Visitor, clock: Clock) -> dict[str, Token]:
    """A token for each choice of the list, beside the first one of the service, which was never used."""
    made = {label: make_token(do, label) for label in ("used", "Ärger")}
    clock.seconds += 100 * DAY
    made |= {label: make_token(do, label) for label in ("off", "ended")}
    made |= {"soon": make_token(do, "soon", days=29), "expired": make_token(do, "expired", days=1)}
    use(do, made["used"])
    clock.seconds += 2 * DAY
    sign_in_as(site, ada)
    origin = session_of(do, ada).origin(None)
    do.details.update_details(origin, made["off"].id, NewDetails(disabled=True))
    do.tokens.revoke_token(origin, made["ended"].id)
    later = NewToken(label="later", not_before=do.transactions.now().replace(year=2026))
    made["later"], _ = do.tokens.create_token(origin, later)
    return made


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["later", "soon", "off", "Ärger", "used", FIRST]),
        ("show=active", ["soon", "Ärger", "used", FIRST]),
        ("show=expiring", ["soon"]),
        ("show=unused", ["Ärger", FIRST]),
        ("show=disabled", ["off"]),
        ("show=pending", ["later"]),
        ("show=expired", ["expired"]),
        ("show=revoked", ["ended"]),
        ("show=all", ["later", "expired", "soon", "ended", "off", "Ärger", "used", FIRST]),
        ("sort=created", [FIRST, "used", "Ärger", "off", "soon", "later"]),
        ("show=active&sort=label", [FIRST, "soon", "used", "Ärger"]),
        ("show=active&sort=-last_used", ["used", "soon", "Ärger", FIRST]),
        ("show=active&sort=expiry", ["soon", "used", "Ärger", FIRST]),
        ("search=%C3%A4RG", ["Ärger"]),
        ("search=nothing", []),
        ("search=%00", []),
        ("page=2", []),
        ("page=9999999999999999", []),
        ("show=x&sort=token&page=x&page=2&other=1", ["later", "soon", "off", "Ärger", "used", FIRST]),
    ],
)
def test_address_says_which_tokens_are_shown(
    tokens: dict[str, Token], ada: Visitor, query: str, shown: list[str]
) -> None:
    answer = ada.get(f"/console?{query}")
    assert (answer.status_code, labels(answer.text)) == (200, shown)


def test_token_is_found_by_how_it_begins(tokens: dict[str, Token], ada: Visitor) -> None:
    assert labels(ada.get(f"/console?search={tokens['soon'].preview}").text) == ["soon"]


def test_row_tells_scopes_last_use_expiry_and_state_in_words(tokens: dict[str, Token], ada: Visitor) -> None:
    page = ada.get("/console?search=used").text
    row = page[page.index("<tbody>") : page.index("</tbody>")]
    for words in (
        "See: Compute instances",
        "2 days ago",
        "192.0.2.7, curl/8.5.0",
        "in 9 months, 15 Jun 2026",
        "Active",
    ):
        assert words in row
    assert ">never<" in ada.get(f"/console?search={FIRST}").text


def test_links_of_a_list_keep_what_it_shows(tokens: dict[str, Token], ada: Visitor) -> None:
    page = ada.get("/console?search=e&show=active&sort=label").text
    assert '<a href="/console?search=e&amp;show=active&amp;sort=-label">Label' in page
    assert '<a href="/console?search=e&amp;show=active&amp;sort=expiry">Expires' in page
    assert '<input type="hidden" name="sort" value="label">' in page


def test_pages_of_a_list_have_a_hundred_each(site: App, do: Installation, ada: Visitor) -> None:
    for number in range(100):
        make_token(do, f"token {number}")
    sign_in_as(site, ada)
    page = ada.get("/console").text
    assert (len(labels(page)), "101 tokens" in page, "Page 1 of 2" in page) == (100, True, True)
    assert '<a href="/console?page=2" rel="next">' in page
    assert labels(ada.get("/console?page=2").text) == [FIRST]


def test_who_has_no_tokens_is_told_how_to_make_one(site: App, do: Installation, ada: Visitor) -> None:
    sign_in_as(site, ada)
    do.tokens.revoke_token(session_of(do, ada).origin(None), 1)
    page = ada.get("/console").text
    assert 'href="/console/tokens/new"' in page
    assert "tokenry token create" in page


def is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def test_list_is_written_beside_the_event_loop_which_answers_others(
    site: App, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_as(site, ada)
    looped: list[bool] = []

    def note(template: str, values: Mapping[str, object], language: str) -> bytes:
        looped.append(is_in_loop())
        return render(template, values, language)

    monkeypatch.setattr("tokenry.pages.replies.render", note)
    ada.get("/console")
    assert looped == [False]

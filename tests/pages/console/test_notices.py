"""What somebody should know of their tokens, above the list, and what they want to be told."""

from datetime import timedelta
from html import unescape

import pytest

from tests.conftest import App, Clock
from tests.making import OPERATOR
from tests.pages.parts import Visitor, hidden, sign_in_as, visitor
from tokenry.domain.tokens import NewToken
from tokenry.service.installation import Installation

SETTINGS = "/console/settings"


LABEL = "nightly &lt;backup&gt;"


@pytest.fixture
def warned(site: App, do: Installation, clock: Clock) -> Visitor:
    """The administrator, who has a token that expires within a week, and was told so a month before as well."""
    expiry = do.transactions.now().replace(microsecond=0) + timedelta(days=300)
    do.tokens.create_token_for(OPERATOR, "admin", NewToken(label=unescape(LABEL), expiry=expiry))
    for days in (30, 7):
        clock.seconds = expiry.timestamp() - days * 86400 + 3600
        do.notices.note_expiring()
    warned = visitor(site)
    sign_in_as(site, warned)
    return warned


def test_token_that_expires_soon_is_said_until_it_was_read(warned: Visitor) -> None:
    page = warned.get("/console").text
    notices = page.partition('class="notices"')[2].partition("</ul>")[0]
    assert ("This token expires:" in notices, LABEL in notices) == (True, True)
    assert warned.post("/console/notices", hidden(notices)).headers["location"] == "/console"
    assert "This token expires:" not in warned.get("/console").text


@pytest.mark.parametrize("notice_id", ["", "x", "999", "9" * 40])
def test_notice_that_is_not_there_is_no_defect(admin: Visitor, notice_id: str) -> None:
    form = {**hidden(admin.get(SETTINGS).text), "notice_id": notice_id}
    assert admin.post("/console/notices", form).status_code == 404


def test_what_is_told_is_chosen(admin: Visitor, do: Installation) -> None:
    form = {**hidden(admin.get(SETTINGS).text), "kind": "token_leaked"}
    assert admin.post(f"{SETTINGS}/notifications", form).headers["location"] == SETTINGS
    page = admin.get(SETTINGS).text
    assert 'value="token_leaked" checked' in page
    assert 'value="new_network" checked' not in page
    assert 'name="mail" value="yes" checked' not in page

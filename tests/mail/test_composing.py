"""Messages as their readers get them: in their language, with nothing in them that is not ours."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, cast

import pytest

from tests.translating import noting_missing
from tokenry.domain.mail import Letter, Reader
from tokenry.domain.notices import Notice, NoticeKind
from tokenry.mail.composing import ENTRIES_MAX, compose_letter, compose_test

NOW = datetime(2026, 11, 30, 10, 36, tzinfo=UTC)
CONSOLE = "https://tokens.example.com"
SENDER = "tokens@example.com"


def notice(kind: NoticeKind, label: str = "ci") -> Notice:
    expiry = NOW + timedelta(days=7)
    return Notice(1, kind, NOW, 12, label, "pat_Ab12Cd34Ef56", expiry, None, "203.0.113.0/24")


def compose(
    *notices: Notice, language: str | None = None, console: str | None = CONSOLE, username: str = "ada"
) -> EmailMessage:
    reader = Reader(1, 1, username, "ada@example.org", "Europe/Berlin", language)
    return compose_letter(Letter(reader, notices, urgent=True), sender=SENDER, now=NOW, console=console)


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    return str(cast("Any", message.get_body((kind,))).get_content())


def every_message(language: str) -> Sequence[EmailMessage]:
    several = [compose(notice(kind), *more, language=language) for kind in NoticeKind for more in ((), [notice(kind)])]
    mixed = [notice(kind) for kind in NoticeKind] * ENTRIES_MAX
    return [
        *several,
        compose(*mixed, language=language),
        compose(*mixed, language=language, console=None),
        compose_test("ada@example.org", sender=SENDER, now=NOW, language=language),
    ]


def test_mail_is_german_from_end_to_end_for_who_chose_it() -> None:
    with noting_missing("de") as missing:
        found = every_message("de")
    assert missing == set()
    assert {message["Content-Language"] for message in found} == {"de"}
    assert {message["Subject"] for message in found}.isdisjoint(message["Subject"] for message in every_message("en"))


def test_german_has_times_and_marks_of_its_own() -> None:
    message = compose(notice(NoticeKind.TOKEN_EXPIRES), language="de")
    assert "Ihr Token „ci“ (pat_Ab12Cd34Ef56…) läuft in 7 Tagen ab, am 07.12.2026, 11:36 MEZ." in text_of(message)
    assert '<html lang="de">' in text_of(message, "html")
    assert message["Subject"] == "tokenry: Ein Token von Ihnen läuft bald ab"


@pytest.mark.parametrize("language", [None, "xx"])
def test_who_chose_no_language_that_there_is_is_written_to_in_english(language: str | None) -> None:
    message = compose(notice(NoticeKind.TOKEN_EXPIRES), language=language)
    assert "expires in 7 days, on 7 Dec 2026, 11:36 CET." in text_of(message)
    assert (message["Subject"], message["Content-Language"]) == ("tokenry: A token of yours expires soon", "en")


def test_each_thing_leads_to_its_token_and_the_end_to_the_settings() -> None:
    message = compose(notice(NoticeKind.NEW_NETWORK))
    for kind in ("plain", "html"):
        assert f"{CONSOLE}/console/tokens/12" in text_of(message, kind)
        assert f"{CONSOLE}/console/settings" in text_of(message, kind)
    assert "http" not in text_of(compose(notice(NoticeKind.NEW_NETWORK), console=None), "html")


def test_what_users_write_stays_in_its_place() -> None:
    """No line, tag, direction or header of the message is made by a label or a name."""
    hostile = "x\r\n\u2028Subject: y\u202e\u2069<b>&\x1b[31m%(username)s{{ 1 }}"
    message = compose(notice(NoticeKind.TOKEN_LEAKED, hostile), username=f"<i>{hostile}")
    shown = "x\ufffd\ufffd\ufffdSubject: y\ufffd\ufffd<b>&\ufffd[31m%(username)s{{ 1 }}"
    assert f"Your token “{shown}” (pat_" in text_of(message)
    assert f"<bdi>{shown}</bdi>".replace("<b>&", "&lt;b&gt;&amp;") in text_of(message, "html")
    assert "<i>" not in text_of(message, "html")
    assert message["Subject"] == "tokenry: A token of yours leaked and was revoked"


@pytest.mark.parametrize(
    ("address", "to"),
    [
        ("o'brien+a=b@example.org", "o'brien+a=b@example.org"),
        ("ada@Exämple.org", "ada@xn--exmple-cua.org"),
        ("ada@straße.example", "ada@straße.example"),
        ("ä@example.org", "ä@example.org"),
    ],
)
def test_address_is_written_as_most_servers_take_it(address: str, to: str) -> None:
    """A ß that is written as ss, as Python does it, would be somebody else's domain."""
    assert compose_test(address, sender=SENDER, now=NOW)["To"] == to


@pytest.mark.parametrize("address", ["ada@example..org", "ada@example.org.", "a@b.c, d@e.f", "<a@b.c>", "a@b.c (d)"])
def test_what_is_read_as_another_address_or_none_is_not_written_to(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        compose_test(address, sender=SENDER, now=NOW)


def test_message_about_very_much_is_bounded() -> None:
    message = compose(*[notice(NoticeKind.TOKEN_LEAKED, "x" * 100)] * 5000)
    assert "There are 4980 more" in text_of(message)
    assert message["Subject"] == "tokenry: 5000 tokens of yours leaked and were revoked"
    assert len(bytes(message)) < 40_000

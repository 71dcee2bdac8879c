"""Writing messages in the reader's language: as text, and as HTML in which every value is escaped."""

from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from tokenry.domain.mail import Letter, Reader
from tokenry.domain.notices import Notice, NoticeKind
from tokenry.languages.catalogues import DEFAULT, LOCALES, translations
from tokenry.languages.writing import write_distance, write_time
from tokenry.printable import printable

ENTRIES_MAX = 20
"""Further ones are counted: somebody who lost many tokens at once reads of them in the console."""
TEST_SUBJECT = "A message to try the mail"
TEST_TEXT = "Mail goes out: whoever has tokens here is told in time what they should know."


class Words(NamedTuple):
    """What happened, and what to do about it."""

    what: str
    advice: str


WORDS: Mapping[NoticeKind, Words] = {
    NoticeKind.TOKEN_EXPIRES: Words(
        "Your token “%(label)s” (%(preview)s…) expires %(distance)s, on %(expiry)s.",
        "Rotate it before then, or make another one, if something still uses it.",
    ),
    NoticeKind.TOKEN_LEAKED: Words(
        "Your token “%(label)s” (%(preview)s…) was revoked on %(at)s: somebody reported that it had leaked.",
        "It opens nothing any more. Make another one, and look for where this one was to be read.",
    ),
    NoticeKind.NEW_NETWORK: Words(
        "Your token “%(label)s” (%(preview)s…) was used on %(at)s from a network that it had never been used from:"
        " %(network)s.",
        "If that was not you, revoke it.",
    ),
    NoticeKind.REVOKED_TOKEN_USED: Words(
        "Your token “%(label)s” (%(preview)s…), which is revoked, was presented again on %(at)s.",
        "It was refused. Something of yours still has it, or somebody else does.",
    ),
}
"""In English."""


class Entry(NamedTuple):
    """One notice, as a template takes it."""

    kind: NoticeKind
    words: Words
    label: str
    values: Mapping[str, str]
    address: str | None
    """The page of the token."""


def compose_letter(letter: Letter, *, sender: str, now: datetime, console: str | None) -> EmailMessage:
    """Write what a user is told, with times as they are where the user is. Raises ValueError for no address."""
    reader, language = letter.reader, _language_of(letter.reader.language)
    entries = [_describe(notice, reader, now, console) for notice in letter.notices]
    values: dict[str, object] = {
        "entries": entries[:ENTRIES_MAX],
        "number": len(entries),
        "kinds": [*{entry.kind: None for entry in entries}],
        "username": printable(reader.username),
        "settings": None if console is None else f"{console}/console/settings",
    }
    subject = _write("subject.txt", language, values)
    message = _begin(sender, reader.address, subject, now)
    values["subject"] = subject
    message.set_content(_write("letter.txt", language, values))
    message.add_alternative(_write("letter.html", language, values), subtype="html")
    message["Content-Language"] = language  # after the content, which brings headers of its own
    return message


def compose_test(address: str, *, sender: str, now: datetime, language: str | None = None) -> EmailMessage:
    """Write a message to try whether mail goes out. Raises ValueError for no address."""
    language = _language_of(language)
    texts = translations(language)
    message = _begin(sender, address, f"tokenry: {texts.gettext(TEST_SUBJECT)}", now)
    message.set_content(texts.gettext(TEST_TEXT) + "\n")
    message["Content-Language"] = language
    return message


def _describe(notice: Notice, reader: Reader, now: datetime, console: str | None) -> Entry:
    language, zone = _language_of(reader.language), reader.timezone
    values = {
        "preview": notice.preview,
        "at": write_time(notice.created, language, zone),
        "expiry": write_time(notice.expiry, language, zone),
        "distance": write_distance(notice.expiry, now, language),
        "network": notice.network or "",
    }
    address = None if console is None else f"{console}/console/tokens/{notice.token_id}"
    return Entry(notice.kind, WORDS[notice.kind], printable(notice.label), values, address)


def _begin(sender: str, address: str, subject: str, now: datetime) -> EmailMessage:
    # Python reads encoded words (=?utf-8?q?…?=) in what a header is set to: nothing that users write is in a subject.
    message, to = EmailMessage(), _in_ascii(address)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    if [each.addr_spec for each in message["To"].addresses] != [to]:
        raise ValueError("this address is read as another, or as none")
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    return message


def _in_ascii(address: str) -> str:
    """An address with its domain as all servers take it (IDNA); one that might so become another's stays as it is."""
    name, _, domain = address.rpartition("@")
    try:
        written = domain.encode("idna").decode("ascii")
        return f"{name}@{written}" if written.encode("ascii").decode("idna") == domain.lower() else address
    except UnicodeError:
        return address


def _language_of(chosen: str | None) -> str:
    """The language to write in: one that a later release knows and this one does not is none."""
    return chosen if chosen is not None and chosen in LOCALES else DEFAULT


def _write(name: str, language: str, values: Mapping[str, object]) -> str:
    return _environment(language, escaped=name.endswith(".html")).get_template(name).render(values)


@cache
def _environment(language: str, *, escaped: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("tokenry.mail"),
        autoescape=escaped,  # noqa: S701 - not of plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["language"] = language
    return environment

"""Writing messages: as text, and as HTML in which every value is escaped."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from tokenry.domain.mail import Digest
from tokenry.domain.notices import Notice, NoticeKind
from tokenry.domain.zones import find_zone

TEST_SUBJECT = "A message to try the mail of tokenry"


class Entry(NamedTuple):
    """What happened, in a few words without what users call things, and in a sentence; and what to do."""

    title: str
    what: str
    advice: str


def compose_digest(digest: Digest, *, sender: str, now: datetime, console: str | None) -> EmailMessage:
    """Write what a user is told today, with times as they are where the user is."""
    zone = find_zone(digest.reader.timezone)
    entries = [describe(notice, zone) for notice in digest.notices]
    subject = entries[0].title if len(entries) == 1 else f"{len(entries)} things about your tokens"
    message = _compose(sender, digest.reader.address, subject, now)
    values = {
        "subject": subject,
        "username": digest.reader.username,
        "entries": entries,
        "address": None if console is None else f"{console}/console",
    }
    message.set_content(_template("digest.txt", escaped=False).render(values))
    message.add_alternative(_template("digest.html", escaped=True).render(values), subtype="html")
    return message


def compose_test(address: str, *, sender: str, now: datetime) -> EmailMessage:
    """Write a message to try whether mail goes out."""
    message = _compose(sender, address, TEST_SUBJECT, now)
    message.set_content("Mail goes out: whoever has tokens here is told in time what they should know.\n")
    return message


def describe(notice: Notice, zone: ZoneInfo) -> Entry:
    """Say what a user is told."""
    token = f"Your token “{notice.label}” ({notice.preview}…)"
    at = _write_time(notice.created, zone)
    match notice.kind:
        case NoticeKind.TOKEN_EXPIRES:
            return Entry(
                "A token of yours expires soon",
                f"{token} expires on {_write_time(notice.expiry, zone)}.",
                "Rotate it before then, or make another one, if something still uses it.",
            )
        case NoticeKind.TOKEN_LEAKED:
            return Entry(
                "A token of yours was revoked: it leaked",
                f"{token} was revoked on {at}: somebody reported that it had leaked.",
                "It opens nothing any more. Make another one, and look for where this one was to be read.",
            )
        case NoticeKind.NEW_NETWORK:
            return Entry(
                "A token of yours was used from a new network",
                f"{token} was used on {at} from a network that it had never been used from: {notice.network}.",
                "If that was not you, revoke it.",
            )
        case NoticeKind.REVOKED_TOKEN_USED:
            return Entry(
                "A revoked token of yours was presented again",
                f"{token}, which is revoked, was presented again on {at}.",
                "It was refused. Something of yours still has it, or somebody else does.",
            )


def _compose(sender: str, address: str, subject: str, now: datetime) -> EmailMessage:
    # Python reads encoded words (=?utf-8?q?…?=) in what a header is set to: nothing that users write is in a subject.
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, address, subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    return message


def _write_time(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M} {local.tzname()}"


@cache
def _template(name: str, *, escaped: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202 - jinja2's own
    environment = Environment(
        loader=PackageLoader("tokenry.mail"),
        autoescape=escaped,  # noqa: S701 - not of plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)

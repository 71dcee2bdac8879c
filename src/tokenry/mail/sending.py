"""Sending a message by the operator's server: whether it took it, did not, or nobody knows."""

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from enum import Enum
from typing import NamedTuple

import aiosmtplib

from tokenry.domain.mail import MailServer
from tokenry.printable import printable

SECONDS_MAX = 20
REASON_LENGTH_MAX = 200


class Fate(Enum):
    """What became of a message."""

    TAKEN = "the server took it"
    UNWRITABLE = "it cannot be written as a message"
    REFUSED = "the server did not take it"
    UNKNOWN = "it was sent, and nobody knows whether the server took it"


class Sent(NamedTuple):
    """What became of a message, and why."""

    fate: Fate
    reason: str = ""


def send(server: MailServer, compose: Callable[[], EmailMessage]) -> Sent:
    """Write a message, and send it on a connection of its own. A server elsewhere has to prove itself by TLS first."""
    try:
        message = compose()
        bytes(message)
    except Exception as error:  # noqa: BLE001 - which of many depends on what users call things
        return Sent(Fate.UNWRITABLE, _reason(error))
    try:
        return asyncio.run(_send(server, message))
    except Exception as error:  # noqa: BLE001 - one message holds up no others
        return Sent(Fate.UNKNOWN, _reason(error))


async def _send(server: MailServer, message: EmailMessage) -> Sent:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls,
        start_tls=not (server.tls or server.plain),
        username=server.username,
        password=server.password,
        timeout=SECONDS_MAX,
        local_hostname="localhost",
    )
    try:
        await client.connect()
    except (aiosmtplib.SMTPException, OSError) as error:
        return Sent(Fate.REFUSED, _reason(error))
    try:
        await client.send_message(message)
    except (
        aiosmtplib.SMTPResponseException,
        aiosmtplib.SMTPRecipientsRefused,
        aiosmtplib.SMTPNotSupported,
    ) as error:
        return Sent(Fate.REFUSED, _reason(error))
    except (aiosmtplib.SMTPException, OSError) as error:
        return Sent(Fate.UNKNOWN, _reason(error))
    finally:
        client.close()
    return Sent(Fate.TAKEN)


def _reason(error: BaseException) -> str:
    """Why, without what the server may repeat of a password."""
    code = getattr(error, "code", None)
    return printable(f"{type(error).__name__}{'' if code is None else f' {code}'}")[:REASON_LENGTH_MAX]

"""A real SMTP server of this machine, and what it was sent."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import free_port


class Mailbox:
    """Keeps what it is sent, and answers with `answer`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer = "250 OK"
        self.url = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.answer.startswith("250"):
            content = cast("bytes", envelope.content)
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
        return self.answer

    @property
    def texts(self) -> list[str]:
        return [cast("EmailMessage", message.get_body(("plain",))).get_content() for message in self.messages]


@contextmanager
def receiving_mail(**options: Any) -> Iterator[Mailbox]:
    """A server for as long as the block lasts."""
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, loop=asyncio.new_event_loop(), **options)
    controller.start()
    mailbox.url = f"smtp://127.0.0.1:{port}"
    yield mailbox
    controller.stop()
    controller.loop.close()

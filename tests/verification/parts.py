"""A token and its credential, in memory."""

import random
from dataclasses import dataclass, field

from tests.conftest import START
from tokenry.domain.accounts import Actor
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.storage.credentials import Credential

PEPPERS = Peppers((bytes(32), b"\x01" * 32))
SECRET = Secret.generate(random.Random(1).randbytes)  # the same in every test process: it names tests
BEARER = f"Bearer {SECRET.reveal()}"
EXPIRES = int(START) + 60
ACTOR = Actor(
    token_id=7,
    scopes=Scopes.parse("linodes:read_only account:read_write"),
    expires_at=EXPIRES,
    user_id=3,
    username="ada",
    account_id=1,
    account_euuid="E",
    preview=SECRET.preview,
)
STORED = Credential(
    preview=SECRET.preview,
    digest=PEPPERS.digest(SECRET),
    pepper_generation=2,
    expires_at=EXPIRES,
    token_id=7,
    scopes="linodes:read_only account:read_write",
    user_id=3,
    username="ada",
    disabled_at=None,
    account_id=1,
    account_euuid="E",
)


@dataclass
class Shelf:
    """Credentials in memory; remembers what it was asked for."""

    stored: Credential | None = STORED
    asked: list[str] = field(default_factory=list)

    async def find(self, preview: str) -> Credential | None:
        self.asked.append(preview)
        return self.stored

    async def close(self) -> None:
        pass

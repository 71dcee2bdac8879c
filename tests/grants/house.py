"""An installation and the processes that serve it: what each says of a token, and what the database has by then."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2
from sqlalchemy import ColumnElement, Table, func, select

from tests.issuing import bearer
from tests.servers import Server, wait_until
from tokenry.domain.clients import Client
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.storage.journal import STARTS, WORD_BYTES
from tokenry.storage.schema import (
    account_counts,
    apps,
    asked_scopes,
    credentials,
    jobs,
    metadata,
    oauth_grants,
    refresh_tokens,
    seen_networks,
    token_counts,
    token_uses,
    tokens,
)

REPAIR_SECONDS_MAX = 20
BESIDE_REQUESTS = {jobs, token_uses, token_counts, account_counts, asked_scopes, seen_networks}
"""Tables that services write to when nobody asks them to."""


@dataclass
class House:
    """An installation, and each process that serves it, asked on a connection of its own."""

    do: Installation
    settings: Settings
    processes: Sequence[httpx2.Client]
    token: str = field(repr=False)
    """The administrator's, for everything."""

    def verdicts(self, *texts: str) -> set[int]:
        """What the processes say of access tokens: each is asked for each."""
        asked = [(process, text) for process in self.processes for text in texts]
        return {process.get("/verify", headers=bearer(text)).status_code for process, text in asked}

    def remember(self, *texts: str) -> None:
        """Have each process let these in, and remember them if it remembers anything."""
        for _ in range(2):
            assert self.verdicts(*texts) == {200}

    def content(self) -> Counter[str]:
        """How many rows each table has, and how many of them have something where there need not be anything."""
        found: Counter[str] = Counter()
        with self.do.database.read() as connection:
            for table in set(metadata.sorted_tables) - BESIDE_REQUESTS:
                optional = [func.count(column).label(column.name) for column in table.c if column.nullable]
                row = connection.execute(select(func.count().label("rows"), *optional).select_from(table)).one()
                found.update({f"{table.name}.{name}": number for name, number in row._mapping.items()})
        return found

    def await_repair(self) -> None:
        """Wait until a service has made up for whoever died in a change: the next one writes as much as any other."""
        epoch = self.settings.data_dir / "tokenry.db-epoch"

        def is_repaired() -> bool:
            content = epoch.read_bytes()
            words = [int.from_bytes(content[start : start + WORD_BYTES], sys.byteorder) for start in STARTS]
            return not any(word & 1 for word in words)

        if self.do.database.is_sqlite:
            wait_until(is_repaired, REPAIR_SECONDS_MAX)

    def made_for(self, client: Client) -> int:
        """How many access tokens came of what users let a client in for, ever."""
        return self._count(tokens, client)

    def usable_by(self, client: Client) -> int:
        """How many grants of a client there are, how many refresh tokens and how many access tokens."""
        unused, live = refresh_tokens.c.used_at.is_(None), oauth_grants.c.ended_at.is_(None)
        opening = tokens.c.id.in_(select(credentials.c.token_id))
        return (
            self._count(oauth_grants, client, live)
            + self._count(refresh_tokens, client, unused)
            + self._count(tokens, client, opening)
        )

    def unused_refresh_tokens(self, client: Client) -> int:
        """How many refresh tokens of a client would bring something."""
        return self._count(refresh_tokens, client, refresh_tokens.c.used_at.is_(None))

    def apps_of(self, client: Client) -> int:
        """How often somebody lets a client in."""
        with self.do.database.read() as connection:
            live = select(func.count()).where(apps.c.oauth_client_id == client.id, apps.c.ended_at.is_(None))
            return connection.execute(live).scalar_one()

    def _count(self, table: Table, client: Client, *which: ColumnElement[bool]) -> int:
        of_client = select(oauth_grants.c.id).join(apps).where(apps.c.oauth_client_id == client.id)
        grant_id = table.c.id if table is oauth_grants else table.c.grant_id
        with self.do.database.read() as connection:
            counted = select(func.count()).select_from(table).where(grant_id.in_(of_client), *which)
            return connection.execute(counted).scalar_one()


def connect(server: Server) -> httpx2.Client:
    """A client that keeps its one connection, and so stays with one process."""
    return httpx2.Client(
        base_url=server.url, limits=httpx2.Limits(max_connections=1, keepalive_expiry=None), timeout=20
    )

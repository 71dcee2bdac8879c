"""What users are told in time, and what of it they want to be told."""

from collections.abc import Sequence

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import NotFound
from tokenry.domain.notice_events import NotificationsChosen
from tokenry.domain.notices import DAYS_BEFORE_EXPIRY, Choices, Notice, NoticeKind
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.transactions import Transactions
from tokenry.storage import notices as stored
from tokenry.storage.database import retried
from tokenry.storage.jobs import claim_job
from tokenry.storage.one_thread import OneThread
from tokenry.storage.users import lock_user

INTERVAL_SECONDS = 3600
"""All live tokens are looked at once in an hour."""
LOOK_SECONDS = 60
"""How often a worker looks whether it is its turn: none need run for an hour for that."""
TURN_SECONDS_MAX = 30
PIECE_ROWS_MAX = 500


class Notices:
    """The use cases of notices. An actor sees and chooses its own user's."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._thread = OneThread()

    def list_notices(self, actor: Actor) -> Sequence[Notice]:
        """List those that are open, the newest first; of a token that expires the newest alone."""
        now = self._transactions.now()
        with self._transactions.read() as connection:
            found = stored.list_notices(connection, get_reader(connection, actor).id)
        shown: dict[tuple[NoticeKind, int, str | None], Notice] = {}
        for notice in found:
            if notice.is_open(now):
                shown.setdefault((notice.kind, notice.token_id, notice.network), notice)
        return [*shown.values()]

    @retried
    def dismiss(self, origin: Origin, notice_id: int) -> None:
        """Show one no more, nor what was told earlier of the same. Raises NotFound."""
        with self._transactions.change(origin) as change:
            user = get_writer(change)
            if not stored.dismiss_notice(change.connection, notice_id, user_id=user.id, now=change.now):
                raise NotFound

    def get_choices(self, actor: Actor) -> Choices:
        """Read what the user wants to be told."""
        with self._transactions.read() as connection:
            return stored.find_choices(connection, get_reader(connection, actor).id)

    @retried
    def choose(self, origin: Origin, wanted: Choices) -> Choices:
        """Choose what the user is told; what is not named stays."""
        with self._transactions.change(origin) as change:
            lock_user(change.connection, change.actor.user_id)
            user = get_writer(change)
            before = stored.find_choices(change.connection, user.id)
            after = {**before, **wanted}
            if after != before:
                stored.set_choices(change.connection, user.id, after)
                changes = {
                    kind.value: {"from": before[kind], "to": after[kind]}
                    for kind in after
                    if after[kind] != before[kind]
                }
                change.record(NotificationsChosen(user.id, changes))
            return after

    async def run(self) -> None:
        """Note what expires, in a thread, if it is this worker's turn. Raises Unavailable."""
        await self._thread.run(self.note_expiring, seconds=TURN_SECONDS_MAX)

    def note_expiring(self) -> None:
        """Tell owners of tokens that expire soon, if it is this worker's turn."""
        database, now = self._transactions.database, self._transactions.now()
        with database.write() as connection:
            if not claim_job(connection, "notices", seconds=INTERVAL_SECONDS, now=now):
                return
        for days in DAYS_BEFORE_EXPIRY:
            with self._transactions.read() as connection:
                found = stored.find_expiring(connection, now, days)
            for start in range(0, len(found), PIECE_ROWS_MAX):
                self._note_some(found[start : start + PIECE_ROWS_MAX], days)

    @retried
    def _note_some(self, token_ids: Sequence[int], days: int) -> None:
        with self._transactions.database.write() as connection:
            stored.note_expiring(connection, token_ids, self._transactions.now(), days)

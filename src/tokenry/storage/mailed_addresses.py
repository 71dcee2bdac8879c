"""Statements on how much an address was sent lately, by each account and by all.

An address in a profile may be a stranger's, and so may that of a thousand users. Each message moves the address's time
on by an interval, and goes as long as that is not far in the future. What is not grave leaves half of that to alarms.
"""

from datetime import datetime

from sqlalchemy import Connection, and_, case, or_, update

from tokenry.domain.mail import ROOM_OF_ACCOUNT, ROOM_OF_ALL, Room, fold_address
from tokenry.storage.database import to_seconds
from tokenry.storage.inserts import insert_into
from tokenry.storage.pruning import delete_by_key
from tokenry.storage.schema import mailed_addresses

_ALL = 0
"""Stands for all accounts."""
_OWN = mailed_addresses.c


def claim_turn(connection: Connection, address: str, account_id: int, now: datetime, *, urgent: bool) -> bool:
    """Be one of those who send something to an address now; False where that has to wait, and nothing may be kept.

    Whoever else sends something there waits for the end of this transaction.
    """
    folded = fold_address(address)
    return all(_claim(connection, folded, of, room, to_seconds(now), urgent=urgent) for of, room in _rooms(account_id))


def give_back_turn(connection: Connection, address: str, account_id: int) -> None:
    """Note that what was to be sent to an address did not reach it."""
    for of, room in _rooms(account_id):
        row = and_(_OWN.address == fold_address(address), _OWN.account_id == of)
        before = _OWN.next_at - _seconds(room)
        connection.execute(update(mailed_addresses).where(row).values(next_at=before))


def delete_old_turns(connection: Connection, now: datetime) -> int:
    """Delete some rows that say nothing any more; how many. Waits for nobody."""
    return delete_by_key(connection, mailed_addresses, _OWN.next_at <= to_seconds(now), order=_OWN.next_at)


def _rooms(account_id: int) -> tuple[tuple[int, Room], ...]:
    return (account_id, ROOM_OF_ACCOUNT), (_ALL, ROOM_OF_ALL)


def _claim(connection: Connection, address: str, of: int, room: Room, now: int, *, urgent: bool) -> bool:
    interval = _seconds(room)
    at_once = room.at_once if urgent else room.at_once // 2
    # By more than an interval: hosts whose clocks differ a little must not take each other's turns for too late.
    clock_was_set_back = _OWN.next_at > now + (room.at_once + 1) * interval
    begins = case((or_(_OWN.next_at < now, clock_was_set_back), now), else_=_OWN.next_at)
    claim = insert_into(connection, mailed_addresses).values(address=address, account_id=of, next_at=now + interval)
    claim = claim.on_conflict_do_update(
        index_elements=[_OWN.address, _OWN.account_id],
        set_={"next_at": begins + interval},
        where=or_(_OWN.next_at <= now + (at_once - 1) * interval, clock_was_set_back),
    )
    return connection.execute(claim.returning(_OWN.address)).first() is not None


def _seconds(room: Room) -> int:
    return int(room.interval.total_seconds())

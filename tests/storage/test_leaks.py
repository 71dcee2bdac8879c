"""The statement of leak reports."""

from datetime import timedelta

from tests.making import NOW, add_token, new_user
from tokenry.storage.database import Database
from tokenry.storage.leaks import Opener, find_openers

SECOND = timedelta(seconds=1)


def test_what_opens_a_token_is_found_by_its_preview_until_it_expires(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        live, lasting, expired = (add_token(connection, user_id, expiry=NOW + late * SECOND) for late in (1, 2, 0))
        asked = {live.preview, lasting.preview, expired.preview, "pat_0unknown0000"}
        found = find_openers(connection, asked, NOW)
        assert find_openers(connection, set(), NOW) == {}
    assert found == {token.preview: Opener(token.id, bytes(32), 1) for token in (live, lasting)}

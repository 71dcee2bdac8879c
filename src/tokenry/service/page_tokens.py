"""What a product's backend gives to a user's own browser, so that a page can manage that user's tokens."""

from datetime import datetime

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Fault, Forbidden, Invalid, NotFound, Unauthorized
from tokenry.domain.events import PageTokenCreated
from tokenry.domain.managed import MANAGERS
from tokenry.domain.page_tokens import LIFETIME, PageToken
from tokenry.domain.secrets import PAGE, Peppers, Secret
from tokenry.service.acting import get_managed, require_open
from tokenry.service.transactions import Transactions
from tokenry.storage import page_tokens as stored
from tokenry.storage import users as stored_users
from tokenry.storage.database import retried

_NO_ORIGIN = "The operator has to set TOKENRY_ALLOWED_ORIGINS to the origins of the pages that use page tokens"


class PageTokens:
    """The use cases of page tokens, which are used from pages of some `origins` alone."""

    def __init__(self, transactions: Transactions, peppers: Peppers, origins: frozenset[str]) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._origins = origins

    @retried
    def create_page_token(self, origin: Origin, external_id: str) -> tuple[Secret, datetime]:
        """Make one for a user whom the actor manages; it ends with the acting token, too.

        Raises Forbidden; NotFound; Invalid for a disabled user, and where no page could use it.
        """
        with self._transactions.change(origin) as change:
            connection, actor = change.connection, change.actor
            found = stored_users.find_managed(connection, external_id, account_id=actor.account_id)
            if found is not None:
                stored_users.keep_user(connection, found.id)
            if require_open(connection, actor, now=change.now) not in MANAGERS:
                raise Forbidden
            if found is None:
                raise NotFound
            user = get_managed(connection, actor, found.id)
            if not self._origins:
                raise Invalid(Fault(_NO_ORIGIN))
            if user.disabled is not None:
                raise Invalid(Fault("User is disabled: enable it first"))
            secret = Secret.generate(kind=PAGE)
            expires = change.now + LIFETIME if actor.expiry is None else min(change.now + LIFETIME, actor.expiry)
            stored.insert_page_token(
                connection,
                self._peppers.key(secret),
                user_id=user.id,
                token_id=actor.token_id,
                now=change.now,
                expires=expires,
            )
            change.record(PageTokenCreated(user.id, secret.preview, expires))
            return secret, expires

    def find_page_token(self, text: str) -> PageToken | None:
        """Find what a text opens; None for anything that opens nothing, or something else."""
        secret = Secret.parse(text, (PAGE.prefix,))
        if secret is None:
            return None
        with self._transactions.read() as connection:
            found = stored.find_page_token(connection, secret.preview, now=self._transactions.now())
        return found[0] if found is not None and self._peppers.opens(secret, *found[1:]) else None

    def on_behalf(self, bearer: Actor, address: str | None) -> Origin:
        """Where a change comes from that the bearer of one makes. Raises Unauthorized if it has ended.

        Whether it still opens is judged again by the change.
        """
        with self._transactions.read() as connection:
            found = stored.find_page_token(connection, bearer.preview, now=self._transactions.now())
        if found is None:
            raise Unauthorized
        return found[0].origin(address)

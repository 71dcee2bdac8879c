"""`tokenry token rotate ID --exec COMMAND`: a new token in the place of another one.

Whatever may kill a run, and whenever: the tokens whose secrets the command may have stored stay valid until it has
stored a later one, and the next run continues. So what is about to be done is in the journal before it is done:

    Progress(wanted=…)      the new token is made; asking again with the same key makes no second one
    Progress(possible=…)    the command is given its secret; whether it has stored it, only its success tells
    Progress(delivered=…)   it has; the other tokens are revoked, the acting one last
    no journal              that is all
"""

import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from tokenry.cli.access import Access, find_access, store_token
from tokenry.cli.delivery import Delivery, deliver
from tokenry.cli.expiry import read_expiry
from tokenry.cli.journal import Progress, RotationJournal, Wanted, open_journal
from tokenry.cli.running import FAILED, REFUSED, CommandError, complain
from tokenry.cli.whose import Whose
from tokenry.client import BadRequest, Client, Conflict, Details, NotFound, TokenRecord, TokenryError
from tokenry.client.calls import new_key
from tokenry.client.client import Tokens
from tokenry.client.tokens import Changes
from tokenry.printable import printable

POSSIBLE_MAX = 5
"""At most this many tokens may wait for a command to succeed: one that never does must not fill an account."""


def replace_token(
    client: Client, access: Access, whose: Whose, token_id: int, *, command: str, expires: str | None = None
) -> TokenRecord:
    """Make a token like this one, give its secret to a command, and revoke this one when the command has succeeded.

    It has the same label, scopes, description and networks, and the same expiry unless `expires` says otherwise. Where
    an earlier run broke off, this one continues. Raises CommandError and TokenryError; whatever happened, calling it
    again is safe.
    """
    with open_journal(access.url, token_id, whose.user) as journal:
        progress = journal.read()
        rotation = Replacement(whose.tokens(client), access, whose, journal, token_id)
        try:
            if progress.delivered is None:
                progress = rotation.deliver(progress, command, expires)
            made = rotation.finish(progress)
        except (TokenryError, KeyboardInterrupt):
            if journal.read() != Progress():
                complain(f"The rotation of token {token_id} is not finished: the same command continues it.")
            raise
    return made


@dataclass(frozen=True, slots=True)
class Replacement:
    """The steps, of which each begins where its progress says, and notes how far it got."""

    tokens: Tokens
    access: Access
    whose: Whose
    journal: RotationJournal
    token_id: int

    def deliver(self, progress: Progress, command: str, expires: str | None) -> Progress:
        """Make the new token and give its secret to the command. Raises CommandError if that failed."""
        live = _find_live(self.tokens, (self.token_id, *progress.possible))
        old = live.get(self.token_id)
        if old is None:
            raise self._gone(progress)
        possible = tuple(each for each in progress.possible if each in live)
        if len(possible) >= POSSIBLE_MAX:
            raise CommandError(f"{_said(possible)} wait for a command that succeeds: revoke those that nothing uses.")
        made, progress = self._make(old, replace(progress, possible=possible), expires)
        if made.secret is None:
            raise CommandError(f"{self.access.url} does not show the secret of the new token {made.id}.")
        delivery = deliver(made.secret, command, lock=self.journal.lock)
        if not delivery.is_done:
            raise self._failed(delivery, made, progress)
        if self._acting(live.values()) is not None and self.access.context is not None:
            store_token(self.access.context, made.secret, url=self.access.url)
        progress = replace(progress, delivered=made.id)
        self.journal.write(progress)
        return progress

    def finish(self, progress: Progress) -> TokenRecord:
        """Revoke what the delivered token replaces. Returns that one."""
        live = _find_live(self.tokens, (*progress.possible, self.token_id))
        made = live.pop(progress.delivered or 0, None)
        acting = self._acting(live.values())
        for token_id in sorted(live, key=lambda each: each == acting):
            with suppress(NotFound):
                self.tokens.revoke(token_id, reason="rotated")
        self.journal.write(Progress())
        if made is None:
            raise CommandError(f"Token {progress.delivered}, which the command has stored, has been revoked since.")
        if acting is not None and self._acting(live.values(), find_access(self.access.context)) is not None:
            complain(f"The token of {self.access.origin}, with which this was done, is revoked: use the new one.")
        return made

    def _make(self, old: TokenRecord, progress: Progress, expires: str | None) -> tuple[TokenRecord, Progress]:
        """Make the new token, or take up what the last run was about to make."""
        details = _find_details(self.tokens, old.id)
        resumed, wanted = progress.wanted is not None, progress.wanted or _want(old, expires)
        if resumed:
            complain("An earlier run broke off while making the new token: this one repeats its request.")
            if details is None:
                shown = self.whose.told(f"tokenry token list --label {shlex.quote(printable(wanted.label))}")
                complain(f"It may have left an unused token behind: see `{shown}`.")
        else:
            self.journal.write(replace(progress, wanted=wanted))
        try:
            made = self.tokens.create(
                label=wanted.label,
                scopes=wanted.scopes,
                expiry=wanted.expiry,
                rotates_itself_only=details is not None and details.rotates_itself_only,
                idempotency_key=None if details is None else wanted.key,  # it makes the client repeat the request
            )
        except (BadRequest, Conflict) as error:
            progress = replace(progress, wanted=None)
            self.journal.write(progress)
            label = f"token-{old.id}"
            if any(fault.field == "label" for fault in error.faults) and old.label != label:
                complain(f"The service no longer accepts the label of token {old.id}: the new one is called {label}.")
                return self._make(replace(old, label=label), progress, expires)
            if not resumed:
                raise
            complain(f"That request cannot be repeated: {error.reason}. A new token is made.")
            return self._make(old, progress, expires)
        progress = Progress(possible=(*progress.possible, made.id))
        self.journal.write(progress)
        self._complete(made, wanted, details, progress)
        return made, progress

    def _complete(self, made: TokenRecord, wanted: Wanted, details: Details | None, progress: Progress) -> None:
        """See that the new token may do what the old one may, from where that may. Raises CommandError."""
        if set(made.scopes) != set(wanted.scopes.split()):
            self._drop(made, progress)
            text = f"Nothing has changed: the token from {self.access.origin} cannot make one with {wanted.scopes}."
            raise CommandError(text, REFUSED)
        copied = {name: getattr(details, name) for name in Changes.__annotations__ if details is not None}
        if any(copied.values()):
            self.tokens.update(made.id, **cast(Changes, copied))

    def _failed(self, delivery: Delivery, made: TokenRecord, progress: Progress) -> CommandError:
        """What is said of a command that failed. The new token goes if the command certainly did not store it."""
        if delivery.is_unread:
            self._drop(made, progress)
            return CommandError(f"{delivery} Token {self.token_id} stays, and the new one is revoked.")
        return CommandError(
            f"{delivery} It may have stored the secret of the new token {made.id}, so both that one and token "
            f"{self.token_id} stay valid. Run this again: the run that succeeds revokes them. If you are sure that "
            f"nothing was stored: {self.whose.told(f'tokenry token revoke {made.id}')}"
        )

    def _drop(self, made: TokenRecord, progress: Progress) -> None:
        """Revoke a token whose secret nobody has."""
        with suppress(NotFound):
            self.tokens.revoke(made.id)
        self.journal.write(Progress(possible=tuple(each for each in progress.possible if each != made.id)))

    def _acting(self, tokens: Iterable[TokenRecord], access: Access | None = None) -> int | None:
        """Which of these is the token that acts."""
        token = (access or self.access).find_token()
        return next((each.id for each in tokens if token is not None and each.preview == token.preview), None)

    def _gone(self, progress: Progress) -> CommandError:
        if not progress.possible:
            owner = "yours" if self.whose.user is None else "that user's"
            return CommandError(f"Token {self.token_id} does not exist, or is not {owner}.", REFUSED)
        text = f"Token {self.token_id} no longer exists. {_said(progress.possible)} may be stored in its place."
        return CommandError(text, FAILED)


def _want(old: TokenRecord, expires: str | None) -> Wanted:
    expiry = old.expiry if expires is None else read_expiry(expires, "--expires")
    return Wanted(key=new_key(), label=old.label, scopes=" ".join(old.scopes), expiry=expiry)


def _find_live(tokens: Tokens, ids: Sequence[int]) -> dict[int, TokenRecord]:
    """Those that live, by id."""
    found: dict[int, TokenRecord] = {}
    for token_id in ids:
        with suppress(NotFound):
            found[token_id] = tokens.get(token_id)
    return found


def _find_details(tokens: Tokens, token_id: int) -> Details | None:
    """What only tokenry knows of a token; None where the service is another one of the format."""
    try:
        return tokens.details(token_id)
    except NotFound:
        return None


def _said(ids: Sequence[int]) -> str:
    return f"Token{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}"

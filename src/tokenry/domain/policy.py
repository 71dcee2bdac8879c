"""What an operator allows: how long tokens live, how many a user has, and what they may do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Self

from tokenry.domain.errors import Fault
from tokenry.domain.scopes import EVERYTHING, Implied, Scopes
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.moments import write_moment
from tokenry.spans import write_span

VERSION_LENGTH = 16


class UserKind(Enum):
    """Whom a limit of scopes is for. A proxy user, who acts in a child account, and a service account are no other."""

    ADMIN = "admin"
    USER = "user"
    PROXY = "proxy"
    SERVICE = "service"

    @classmethod
    def of(cls, *, admin: bool, proxy: bool, service: bool) -> "UserKind":
        """The kind of a user who is an administrator, a proxy user, a service account, or none of these."""
        if proxy:
            return cls.PROXY
        if service:
            return cls.SERVICE
        return cls.ADMIN if admin else cls.USER


class Concerned(Enum):
    """Whom a rule about signing in is for."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"

    def includes(self, *, admin: bool) -> bool:
        """Whether somebody is one of them."""
        return self is Concerned.EVERYBODY or (self is Concerned.ADMINISTRATORS and admin)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a new token of one user, who has `live_tokens` already. None: no limit."""

    lifetime_max: timedelta | None = None
    expiry_required: bool = False
    tokens_max: int | None = None
    scopes: Scopes = EVERYTHING
    live_tokens: int = 0
    requests_per_minute: int = 0
    """With each token, where requests are counted; 0: no limit."""

    def check(self, new: NewToken, found: Sequence[Fault], *, limit: Scopes, now: datetime) -> list[Fault]:
        """Say which rules it breaks. `found` is what is wrong with it anyway: a field is not judged twice.

        `limit` are the acting token's scopes. What `*` would grant is not narrowed to what is allowed: nobody asked for
        those scopes.
        """
        wrong = {fault.field for fault in found}
        faults = []
        if "scopes" not in wrong and not self.scopes.covers(new.granted(limit)):
            reason = f"Must be within the allowed scopes (maximum scopes: {self.scopes})"
            faults.append(Fault(reason, "scopes"))
        if "expiry" not in wrong:
            faults += self._expiry_faults(new, now)
        # A lifetime counts from now on, or a token could be laid aside for a time when none should be left.
        if new.not_before is not None and not {"expiry", "not_before"} & wrong:
            faults += self._start_faults(new, now)
        if self.tokens_max is not None and self.live_tokens >= self.tokens_max:
            faults.append(Fault(f"Must not have more than {self.tokens_max} live tokens: revoke one first"))
        return faults

    def expiry_of(self, new: NewToken, now: datetime) -> datetime:
        """When it expires: as asked for, else as late as allowed."""
        return new.expiry or self._latest(now)

    def _start_faults(self, new: NewToken, now: datetime) -> list[Fault]:
        expiry = self.expiry_of(new, now)
        if new.not_before is None or new.not_before < expiry:
            return []
        return [Fault(f"Must be before the token expires: {write_moment(expiry)}", "not_before")]

    def _latest(self, now: datetime) -> datetime:
        return NEVER if self.lifetime_max is None else min(now + self.lifetime_max, NEVER)

    def _expiry_faults(self, new: NewToken, now: datetime) -> list[Fault]:
        latest = self._latest(now)
        if self.expiry_required and new.expiry in (None, NEVER):
            reason = "Must be given, since tokens have to expire"
        elif new.expiry is not None and new.expiry > latest:
            reason = f"Must be no later than {write_moment(latest)}"
        else:
            return []
        if self.lifetime_max is None:
            return [Fault(reason, "expiry")]
        return [Fault(f"{reason} (maximum lifetime: {write_span(self.lifetime_max)})", "expiry")]


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits for everybody. None, or a kind of user that `scopes` or `requests_per_minute` does not name: no limit.

    Those of `second_factor` may not sign in by a password alone.
    """

    lifetime_max: timedelta | None = None
    expiry_required: bool = False
    tokens_per_user_max: int | None = None
    scopes: Mapping[UserKind, Scopes] = field(default_factory=dict)
    second_factor: Concerned = Concerned.NOBODY
    requests_per_minute: Mapping[UserKind, int] = field(default_factory=dict)
    implied: Implied = field(default_factory=dict, compare=False, repr=False)

    @property
    def version(self) -> str:
        """Tells this policy from another: who was shown what a change would do says by it which one was changed."""
        rules = [
            None if self.lifetime_max is None else int(self.lifetime_max.total_seconds()),
            self.expiry_required,
            self.tokens_per_user_max,
            sorted((kind.value, str(scopes)) for kind, scopes in self.scopes.items()),
            self.second_factor.value,
            sorted((kind.value, limit) for kind, limit in self.requests_per_minute.items()),
        ]
        return sha256(json.dumps(rules).encode("ascii")).hexdigest()[:VERSION_LENGTH]

    def by(self, implied: Implied) -> Self:
        """The same policy, with what scopes imply by a catalogue."""
        return replace(self, implied=implied)

    def most_for(self, kind: UserKind) -> Scopes:
        """The most that tokens of such users may do."""
        return self.scopes.get(kind, EVERYTHING).by(self.implied)

    def rules_for(self, kind: UserKind, *, live_tokens: int, ceiling: Scopes = EVERYTHING) -> Rules:
        """What holds for the next token of a user, whose own limit is `ceiling`.

        An administrator's `*` has the scopes of management; a service account may have them beside those of its limit.
        """
        scopes = self.most_for(kind).within(ceiling)
        if kind is UserKind.ADMIN:
            scopes = scopes.managing()
        if kind is UserKind.SERVICE:
            scopes = scopes.with_management()
        return Rules(
            lifetime_max=self.lifetime_max,
            expiry_required=self.expiry_required,
            tokens_max=self.tokens_per_user_max,
            scopes=scopes,
            live_tokens=live_tokens,
            requests_per_minute=self.requests_per_minute.get(kind, 0),
        )

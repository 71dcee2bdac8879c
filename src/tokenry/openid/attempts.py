"""A sign-in under way, between sending somebody to a provider and the way back.

It travels in a sealed cookie (`domain/seals.py`): so nothing is stored for people who never come back, and the answer
to a sign-in of another browser fits nowhere.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tokenry.domain.codes import challenge_of
from tokenry.domain.texts import write_base64url

LIFETIME = timedelta(minutes=10)
TARGET_LENGTH_MAX = 2500
"""Of the path to go on to: browsers keep cookies of at most 4096 bytes."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun at a time, and is to go on to `target`.

    With `again` somebody who is signed in proves anew who it is. `state` and `nonce`, which go through other hands, and
    the `verifier` (RFC 7636), which the provider alone is told, all come from one secret, and none tells the others.
    """

    begun: datetime
    target: str
    again: bool = False
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """An attempt from what `values` gave."""
        begun = datetime.fromtimestamp(values["begun"], UTC)
        return cls(begun, values["target"], again=values["again"], secret=values["secret"])

    @property
    def values(self) -> Mapping[str, object]:
        """What is to be sealed."""
        begun = int(self.begun.timestamp())
        return {"begun": begun, "target": self.target, "again": self.again, "secret": self.secret}

    @property
    def state(self) -> str:
        """What the answer has to bring back."""
        return self._derive("state")

    @property
    def nonce(self) -> str:
        """What the ID token has to have."""
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """What the code is exchanged with."""
        return self._derive("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's hash, by S256 (RFC 7636 section 4.2)."""
        return challenge_of(self.verifier)

    def matches(self, state: str) -> bool:
        """Whether an answer is to this."""
        return hmac.compare_digest(state.encode("utf-8", "replace"), self.state.encode("ascii"))

    def _derive(self, label: str) -> str:
        return write_base64url(hmac.digest(self.secret.encode("utf-8"), label.encode("ascii"), "sha256"))

"""What can be recorded of tokens that are kept to fewer scopes than they had, and watched before."""

from dataclasses import dataclass
from typing import TypeAlias

from tokenry.domain.event_subjects import OfToken
from tokenry.domain.scopes import Scopes


@dataclass(frozen=True, slots=True)
class TokenWatched(OfToken):
    """It is watched from now on whether a token could be kept to fewer scopes; it may do all that it may until then."""

    action = "token.watch"
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class TokenUnwatched(OfToken):
    """That is given up: the token keeps its scopes."""

    action = "token.unwatch"


@dataclass(frozen=True, slots=True)
class TokenNarrowed(OfToken):
    """A token may do less from now on."""

    action = "token.narrow"
    before: Scopes
    after: Scopes


WatchEvent: TypeAlias = TokenWatched | TokenUnwatched | TokenNarrowed

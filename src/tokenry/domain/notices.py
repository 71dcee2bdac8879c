"""What users are told in time: that a token expires, why one died, and what looks as if somebody else used one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network

DAYS_BEFORE_EXPIRY = (30, 7, 1)
"""When somebody is told that a token expires, if it lives longer than that."""
NETWORKS_MAX = 50
"""Of a token; one that is used from more is at home nowhere, and another one tells nothing."""
_BITS = {4: 24, 6: 48}


class NoticeKind(StrEnum):
    """What there is to be told, which each user may choose."""

    TOKEN_EXPIRES = "token_expires"  # noqa: S105 - a name
    TOKEN_LEAKED = "token_leaked"  # noqa: S105 - another
    NEW_NETWORK = "new_network"
    REVOKED_TOKEN_USED = "revoked_token_used"  # noqa: S105 - another


GRAVE = frozenset({NoticeKind.TOKEN_LEAKED, NoticeKind.REVOKED_TOKEN_USED})
"""What is mailed at once, also right after another alarm, a few times: somebody else has a secret."""
URGENT = GRAVE | {NoticeKind.NEW_NETWORK}
"""What is an alarm; the rest can wait for its day."""
Choices = Mapping[NoticeKind, bool]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a user is told of a token, as that is now; `network` is where it was used from, if that is it."""

    id: int
    kind: NoticeKind
    created: datetime
    token_id: int
    label: str
    preview: str
    expiry: datetime
    revoked: datetime | None
    network: str | None

    def is_open(self, now: datetime) -> bool:
        """Whether it still says something: a token that is over does not expire any more."""
        return self.kind is not NoticeKind.TOKEN_EXPIRES or (self.revoked is None and now < self.expiry)


def network_of(address: str) -> str | None:
    """The network that an address counts as: /24, /48 of IPv6; None for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return str(ip_network((parsed, _BITS[parsed.version]), strict=False))

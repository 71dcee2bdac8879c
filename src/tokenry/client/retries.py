"""Whether and when a request is sent again. A decision without I/O."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tokenry.client.errors import ConnectionFailed
from tokenry.client.transport import Answer

TRANSIENT = frozenset({429, 502, 503, 504})
CUT_OFF_SECONDS = 1
"""`Retry-After` is in whole seconds, the rest was cut off: so much later it is certainly over."""

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is.

    A request is sent at most `attempts_max` times: where there was no answer, or it was 429, 502, 503 or 504. Between
    them it waits as long as `Retry-After` says, or up to `backoff_seconds`, twice that the next time, and so on up to
    `backoff_seconds_max`; the moment is left to chance (`random`, from 0 to 1), so that many clients do not come back
    together. Where `Retry-After` is beyond `retry_after_seconds_max` it gives up at once.
    """

    attempts_max: int = 4
    backoff_seconds: float = 0.25
    backoff_seconds_max: float = 8.0
    retry_after_seconds_max: float = 60.0
    random: Callable[[], float] = random.random

    def wait_seconds(self, attempt: int, outcome: Answer | ConnectionFailed, now: datetime) -> float | None:
        """How long to wait after attempt number `attempt`, from 1; None for no further one."""
        if attempt >= self.attempts_max:
            return None
        jitter = self.random() * min(self.backoff_seconds_max, self.backoff_seconds * 2.0 ** (attempt - 1))
        if isinstance(outcome, ConnectionFailed):
            return jitter
        if outcome.status not in TRANSIENT:
            return None
        asked = read_retry_after(outcome.headers.get("retry-after"), now)
        if asked is None:
            return jitter
        return asked + CUT_OFF_SECONDS + jitter if asked <= self.retry_after_seconds_max else None


ONCE = Retries(attempts_max=1)
"""No second attempt."""


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """The header Retry-After in seconds from now (RFC 9110 section 10.2.3); None for none, or what cannot be read."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - costs more than all of this package, and is rare

    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())

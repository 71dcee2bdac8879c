"""Personal access tokens: what one is, and the rules for a new one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault
from tokenry.domain.limits import limit_faults
from tokenry.domain.metadata import NO_METADATA
from tokenry.domain.networks import ANYWHERE, Networks
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.texts import shows, storable_faults
from tokenry.moments import write_moment

LABEL_LENGTH_MAX = 100
NEVER = datetime(2999, 12, 12, 5, tzinfo=UTC)
"""The expiry of a token that does not expire: the wire format has a date for it."""
NEVER_SECONDS = int(NEVER.timestamp())
_FIELDS = (
    "label",
    "description",
    "scopes",
    "expiry",
    "not_before",
    "rotates_itself_only",
    "requests_per_minute",
    "networks",
    "metadata",
    None,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it. `preview` is its prefix and public id; the rest is known to nobody here."""

    id: int
    user_id: int
    label: str
    scopes: Scopes
    created: datetime
    expiry: datetime
    preview: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token somebody asks for.

    No label means one is made up; scopes `*` mean those of the acting token;
    no expiry means as late as the policy allows, which is NEVER without one; 0 `requests_per_minute` means no limit.
    It is refused until `not_before`, and from elsewhere than its
    `networks` if there are any. One that `rotates_itself_only` may give itself another secret, and do nothing else
    here.

    `faults` are those found while reading the request, so that they can be reported together with broken rules.
    """

    label: str | None = None
    scopes: str = "*"
    expiry: datetime | None = None
    metadata: str = NO_METADATA
    requests_per_minute: int = 0
    faults: tuple[Fault, ...] = ()
    not_before: datetime | None = None
    rotates_itself_only: bool = False
    description: str = ""
    networks: Networks = ANYWHERE

    def check(self, *, limit: Scopes, catalogue: Catalogue, now: datetime) -> list[Fault]:
        """Say everything that is wrong with it, for somebody whose own scopes are `limit`."""
        faults = list(self.faults)
        if self.label is not None:
            faults += label_faults(self.label)
        faults += _scope_faults(self.scopes, limit, catalogue)
        if self.expiry is not None and self.expiry <= now:
            faults.append(Fault("Must be in the future", "expiry"))
        elif self.expiry is not None and self.expiry > NEVER:
            faults.append(Fault(f"Must be before {write_moment(NEVER)}", "expiry"))
        faults += limit_faults(self.requests_per_minute)
        return in_order_of_fields(faults)

    def starts(self, now: datetime) -> datetime | None:
        """Until when it is refused; None if it opens at once, as one does whose moment has passed."""
        return self.not_before if self.not_before is not None and self.not_before > now else None

    def granted(self, limit: Scopes) -> Scopes:
        """The scopes it gets once `check` found no fault: those asked for, or all of `limit` for `*`."""
        asked = Scopes.parse(self.scopes)
        if not asked.everything:
            return asked
        return EVERYTHING if limit.everything else limit


def in_order_of_fields(faults: Iterable[Fault]) -> list[Fault]:
    """Sort the faults of a new token: first those of the label, last those of no field."""
    return sorted(faults, key=lambda fault: _FIELDS.index(fault.field))


def label_faults(label: str) -> list[Fault]:
    """Say what is wrong with a label: 1-100 characters that both database engines can store, one of them visible."""
    if not 1 <= len(label) <= LABEL_LENGTH_MAX:
        return [Fault(f"Length must be 1-{LABEL_LENGTH_MAX} characters", "label")]
    faults = storable_faults(label, "label")
    return faults if faults or shows(label) else [Fault("Must have at least one visible character", "label")]


def _scope_faults(text: str, limit: Scopes, catalogue: Catalogue) -> list[Fault]:
    faults = catalogue.faults(text)
    if faults:
        return faults
    asked = catalogue.read(text)
    if asked.everything or limit.covers(asked):
        return []
    return [
        Fault(
            "You may not create a token with scopes greater than those of the token you are using for the request "
            f"(maximum scopes: {limit})",
            "scopes",
        )
    ]

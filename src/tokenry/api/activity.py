"""What tokens are used for, and keeping them to what they need."""

from collections.abc import Iterable

from tokenry.api.tokens.operations import read_token_id
from tokenry.api.wire import write_time
from tokenry.domain.advice import Advice
from tokenry.domain.callers import Callers
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.overview import Overview
from tokenry.domain.scopes import READS, WRITES
from tokenry.domain.usage import DayCount, Result, Watch
from tokenry.service.installation import Installation
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change

ADMINISTRATORS = Callers.ADMINISTRATORS


def activity_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/tokens/{token_id}` and what is below it: of one's own tokens, and of an administrator's account."""
    do = ActivityOperations(installation)
    one = "/tokenry/tokens/{token_id}"
    return {
        f"{one}/activity": resource(GET=Operation(do.get_activity, READS)),
        f"{one}/advice": resource(GET=Operation(do.get_advice, READS)),
        f"{one}/shadow": resource(
            GET=Operation(do.get_shadow, READS, ADMINISTRATORS),
            PUT=change(do.put_shadow, WRITES, ADMINISTRATORS),
            DELETE=change(do.delete_shadow, WRITES, ADMINISTRATORS),
        ),
        "/tokenry/overview": resource(GET=Operation(do.get_overview, READS, ADMINISTRATORS)),
        f"{one}/shadow/enforce": resource(POST=change(do.enforce_shadow, WRITES, ADMINISTRATORS)),
    }


class ActivityOperations:
    """What is read and done there."""

    def __init__(self, installation: Installation) -> None:
        self._activity = installation.activity
        self._overviews = installation.overviews
        self._watching = installation.watching

    def get_activity(self, call: Call) -> object:
        """GET how often a token was accepted and refused, for each day of the last ninety that it was either."""
        return {"days": write_days(self._activity.list_counts(call.actor, read_token_id(call)))}

    def get_overview(self, call: Call) -> object:
        """GET how many tokens the account has and had, and what became of them day by day."""
        return write_overview(self._overviews.get_overview(call.actor))

    def get_advice(self, call: Call) -> object:
        """GET which of a token's scopes were asked for in thirty days, and which would have sufficed."""
        return write_advice(self._activity.advise(call.actor, read_token_id(call)))

    def get_shadow(self, call: Call) -> object:
        """GET to which scopes a token is watched, and what would have been refused."""
        return write_watch(self._watching.get_watch(call.actor, read_token_id(call)))

    def put_shadow(self, call: Call) -> object:
        """PUT fewer scopes, to which a token is watched from now on; nothing is refused for it."""
        token_id = read_token_id(call)
        faults: list[Fault] = []
        scopes = read_key(call.body, "scopes", str, faults)
        if scopes is None and not faults:
            faults.append(Fault("Must be sent", "scopes"))
        raise_faults(faults)
        return write_watch(self._watching.watch_token(call.origin, token_id, scopes or ""))

    def delete_shadow(self, call: Call) -> object:
        """DELETE it: the token is watched no more, and keeps its scopes."""
        self._watching.unwatch_token(call.origin, read_token_id(call))
        return {}

    def enforce_shadow(self, call: Call) -> object:
        """POST that a token is kept to the scopes to which it is watched; `scopes` are those that the caller means."""
        token_id = read_token_id(call)
        faults: list[Fault] = []
        expected = read_key(call.body, "scopes", str, faults)
        raise_faults(faults)
        return {"scopes": str(self._watching.narrow_token(call.origin, token_id, expected))}


def write_days(counts: Iterable[DayCount]) -> list[dict[str, object]]:
    """Write each day that has counts: how often it was accepted, and refused, by reason."""
    days: dict[str, dict[str, int]] = {}
    for count in counts:
        days.setdefault(count.day.isoformat(), {})[count.result.value] = count.number
    return [{"day": day, "accepted": found.pop("accepted", 0), "refused": found} for day, found in days.items()]


def write_overview(overview: Overview) -> dict[str, object]:
    """Write an overview; null for the numbers of tokens before they were counted."""
    return {
        "days": [
            {
                "day": each.day.isoformat(),
                "live": each.live,
                "accepted": each.results.get(Result.ACCEPTED, 0),
                "refused": {key.value: number for key, number in each.results.items() if key is not Result.ACCEPTED},
                "unknown": each.unknown,
            }
            for each in overview.days
        ],
        "tokens": None if overview.tokens is None else {key.value: number for key, number in overview.tokens.items()},
    }


def write_advice(advice: Advice) -> dict[str, object]:
    """Write an advice; null for what was not asked for, and where nothing can be said."""
    return {
        "since": advice.since.isoformat(),
        "scopes": [
            {"scope": use.scope, "asked": None if use.asked is None else use.asked.isoformat()} for use in advice.scopes
        ],
        "sufficient": None if advice.sufficient is None else str(advice.sufficient),
        "reason": None if advice.silence is None else advice.silence.value,
    }


def write_watch(watch: Watch) -> dict[str, object]:
    """Write to which scopes a token is watched, and the refusals that would have been, the newest day first."""
    return {
        "scopes": str(watch.scopes),
        "began": write_time(watch.began),
        "began_by": watch.began_by,
        "refusals": [
            {
                "day": each.day.isoformat(),
                "scope": each.scope,
                "number": each.number,
                "last": write_time(each.last),
                "last_address": each.address,
            }
            for each in watch.refusals
        ],
    }

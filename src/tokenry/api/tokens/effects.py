"""Keys of a body that have no effect on the wire format's own paths, and that nobody would send who knew it.

All others that mean nothing there are ignored, as the format has it: its clients send back whole objects, and their own
parameters too.
"""

from collections.abc import Callable, Iterable, Mapping

from tokenry.domain.errors import Fault, raise_faults
from tokenry.web.requests import Call

Run = Callable[[Call], object]

ONE_S_OWN = "Has no effect here, where tokens are your own: use /v4/tokenry/users/{external_id}/tokens, or leave it out"
NOT_HERE = "Has no effect here: leave it out"
ELSEWHERE = "Has no effect here: administrators and a product's backend set it, in the token's details"
WITHOUT_EFFECT = {
    "external_id": ONE_S_OWN,
    "metadata": ELSEWHERE,
    "prefix": NOT_HERE,
    "user": ONE_S_OWN,
    "user_id": ONE_S_OWN,
    "username": ONE_S_OWN,
}


def checked(run: Run, find_faults: Callable[[Mapping[str, object]], Iterable[Fault]]) -> Run:
    """An operation that is not done where there are faults in the keys of the body."""

    def check_and_run(call: Call) -> object:
        raise_faults(find_faults(call.body))
        return run(call)

    return check_and_run


def effective(run: Run, *known: str) -> Run:
    """An operation that is not done where its caller must believe that more is done: each such key is a fault.

    But for those that it knows.
    """
    without = {key: reason for key, reason in WITHOUT_EFFECT.items() if key not in known}
    return checked(run, lambda body: [Fault(without[key], key) for key in body if key in without])

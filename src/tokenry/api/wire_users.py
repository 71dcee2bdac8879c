"""The wire format of users, in and out."""

from collections.abc import Mapping

from tokenry.api.wire import write_time
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.logins import NO_SIGN_INS, SignIns
from tokenry.domain.users import NewUser, User, UserChange
from tokenry.web.bodies import read_key


def write_user(user: User, known: SignIns = NO_SIGN_INS) -> dict[str, object]:
    """Write a user. What this service knows nothing of, such as SSH keys, is as if never used."""
    return {
        "username": user.username,
        "email": user.email,
        "restricted": user.restricted,
        "tfa_enabled": user.second_factor,
        "ssh_keys": [],
        "user_type": user.type.value,
        "last_login": _write_last(known),
        "password_created": None if known.password_set is None else write_time(known.password_set),
        "verified_phone_number": None,
    }


def _write_last(known: SignIns) -> dict[str, object] | None:
    if known.last_attempt is None:
        return None
    return {
        "login_datetime": write_time(known.last_attempt),
        "status": "successful" if known.succeeded else "failed",
    }


def write_user_details(user: User) -> dict[str, object]:
    """Write what the wire format has no field for."""
    return {
        "username": user.username,
        "created": write_time(user.created),
        "disabled": user.disabled is not None,
        "service_account": user.service,
        "external_id": user.external_id,
    }


def read_user_details(body: Mapping[str, object]) -> bool | None:
    """Read whether a user is to be disabled; None leaves it as it is. Other keys are ignored. Raises Invalid."""
    faults: list[Fault] = []
    disabled = read_key(body, "disabled", bool, faults)
    raise_faults(faults)
    return disabled


def read_new_user(body: Mapping[str, object]) -> NewUser:
    """Read the body of a creation. Other keys are ignored."""
    faults: list[Fault] = []
    restricted = read_key(body, "restricted", bool, faults)
    return NewUser(
        username=read_key(body, "username", str, faults) or "",
        email=read_key(body, "email", str, faults) or "",
        restricted=restricted is not False,
        language=None if body.get("language") is None else read_key(body, "language", str, faults),
        faults=tuple(faults),
    )


def read_user_change(body: Mapping[str, object]) -> UserChange:
    """Read the body of an update. Other keys are read-only, so ignored."""
    faults: list[Fault] = []
    return UserChange(
        username=read_key(body, "username", str, faults),
        email=read_key(body, "email", str, faults),
        restricted=read_key(body, "restricted", bool, faults),
        faults=tuple(faults),
    )

"""The wire format of profiles and grants, in and out."""

from collections.abc import Mapping

from tokenry.domain.errors import Fault
from tokenry.domain.profile import Profile, ProfileChange
from tokenry.domain.users import GrantsChange, User
from tokenry.web.answers import Answer
from tokenry.web.bodies import read_key

_NO_REFERRALS = {"code": "", "url": "", "total": 0, "completed": 0, "pending": 0, "credit": 0}
_KINDS_OF_GRANTS = (
    "database",
    "domain",
    "firewall",
    "image",
    "linode",
    "longview",
    "nodebalancer",
    "placement_group",
    "stackscript",
    "volume",
    "vpc",
)
_NOT_GRANTED = {
    "account_access": None,
    "add_databases": False,
    "add_domains": False,
    "add_firewalls": False,
    "add_images": False,
    "add_linodes": False,
    "add_lkes": False,
    "add_longview": False,
    "add_nodebalancers": False,
    "add_stackscripts": False,
    "add_volumes": False,
    "add_vpcs": False,
    "cancel_account": False,
    "child_account_access": False,
    "longview_subscription": False,
}
_KEPT = "child_account_access"
_NOT_KEPT = f"Cannot be granted here: of all grants there is global.{_KEPT} alone"


def write_profile(profile: Profile) -> dict[str, object]:
    """Write a profile. What this service knows nothing of, such as referrals, is as if never used."""
    return {
        "uid": profile.user.id,
        "username": profile.user.username,
        "email": profile.email,
        "verified_phone_number": None,
        "timezone": profile.timezone,
        "email_notifications": profile.email_notifications,
        "referrals": _NO_REFERRALS,
        "ip_whitelist_enabled": profile.ip_whitelist_enabled,
        "lish_auth_method": profile.lish_auth_method,
        "authorized_keys": list(profile.authorized_keys) or None,
        "two_factor_auth": profile.user.second_factor,
        "restricted": profile.user.restricted,
        "authentication_type": "password",
        "user_type": profile.user.type.value,
    }


def read_profile_change(body: Mapping[str, object]) -> ProfileChange:
    """Read the body of an update. Other keys, `restricted` among them, are read-only, so ignored."""
    faults: list[Fault] = []
    return ProfileChange(
        email=read_key(body, "email", str, faults),
        timezone=read_key(body, "timezone", str, faults),
        email_notifications=read_key(body, "email_notifications", bool, faults),
        ip_whitelist_enabled=read_key(body, "ip_whitelist_enabled", bool, faults),
        lish_auth_method=read_key(body, "lish_auth_method", str, faults),
        authorized_keys=_read_keys(body, faults),
        two_factor_auth=read_key(body, "two_factor_auth", bool, faults),
        faults=tuple(faults),
    )


def write_grants(user: User) -> dict[str, object]:
    """Write what a restricted user may: of the things that grants name, this service has child accounts alone."""
    return {
        **{kind: [] for kind in _KINDS_OF_GRANTS},
        "global": {**_NOT_GRANTED, "child_account_access": user.child_account_access},
    }


def answer_grants(user: User) -> object:
    """The grants of a restricted user; 204 for an unrestricted one, who needs none."""
    return write_grants(user) if user.restricted else Answer(204)


def read_grants_change(body: Mapping[str, object]) -> GrantsChange:
    """Read the body of an update: `global.child_account_access`. What else would grant something is a fault each."""
    faults = [Fault(_NOT_KEPT, kind) for kind, grants in body.items() if kind != "global" and grants not in (None, [])]
    granted = body.get("global", {})
    if not isinstance(granted, dict):
        return GrantsChange(faults=(*faults, Fault("Must be a JSON object", "global")))
    unread: list[Fault] = []
    access = read_key(granted, _KEPT, bool, unread)
    faults += [Fault(fault.reason, f"global.{fault.field}") for fault in unread]
    others = (name for name, value in granted.items() if name != _KEPT and value is not None and value is not False)
    faults += [Fault(_NOT_KEPT, f"global.{name}") for name in others]
    return GrantsChange(access, tuple(faults))


def _read_keys(body: Mapping[str, object], faults: list[Fault]) -> tuple[str, ...] | None:
    """The keys; null is as good as an empty list, since that is what one reads back."""
    if "authorized_keys" not in body:
        return None
    value = body["authorized_keys"]
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(key, str) for key in value):
        return tuple(value)
    faults.append(Fault("Must be a list of strings", "authorized_keys"))
    return None

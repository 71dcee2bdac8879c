"""`/tokenry/policy`: what administrators of the first account do with the policy, which holds for all accounts."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from tokenry.api.lists import filter_header
from tokenry.api.managed.users import unknown_keys
from tokenry.api.wire import read_id, read_integer, read_page, write_page, write_time
from tokenry.domain.callers import Callers
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault, Invalid, collect_faults, raise_faults
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.policy_changes import (
    OutlivingToken,
    PolicyChange,
    Preview,
    Shortening,
    lifetime_faults,
    requests_faults,
    tokens_faults,
)
from tokenry.domain.scopes import EVERYTHING, READS, WRITES, Scopes
from tokenry.service.installation import Installation
from tokenry.service.policy_changes import PolicyChanges
from tokenry.web.bodies import read_key
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change

ADMINISTRATORS = Callers.ADMINISTRATORS
KEYS = ("max_lifetime_seconds", "expiry_required", "max_tokens", "scopes", "requests_per_minute", "second_factor")
CHANGING_KEYS = (*KEYS, "shorten_existing", "version")
RULES = {
    "lifetime_max": "max_lifetime_seconds",
    "expiry_required": "expiry_required",
    "tokens_per_user_max": "max_tokens",
    "scopes": "scopes",
    "requests_per_minute": "requests_per_minute",
    "second_factor": "second_factor",
}
"""How the rules of a policy are called here."""
_KINDS = tuple(kind.value for kind in UserKind)

T = TypeVar("T")


def policy_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/tokenry/policy` and what is below it."""
    policy = PolicyOperations(installation.policy_changes, installation.catalogue)
    return {
        "/tokenry/policy": resource(
            GET=Operation(policy.get_policy, READS, ADMINISTRATORS),
            PUT=change(policy.change_policy, WRITES, ADMINISTRATORS),
        ),
        "/tokenry/policy/preview": resource(POST=Operation(policy.preview_change, READS, ADMINISTRATORS)),
        "/tokenry/policy/outliving-tokens": resource(GET=Operation(policy.list_outliving, READS, ADMINISTRATORS)),
    }


class PolicyOperations:
    """`/tokenry/policy` and what is below it."""

    def __init__(self, changes: PolicyChanges, catalogue: Catalogue) -> None:
        self._changes = changes
        self._catalogue = catalogue

    def get_policy(self, call: Call) -> object:
        """GET the whole policy, and how far the shortening of tokens is that was asked for last."""
        return write_policy(*self._changes.get_policy(call.actor))

    def change_policy(self, call: Call) -> object:
        """PUT other rules; what is left out stays as it is."""
        faults = unknown_keys(call.body, CHANGING_KEYS)
        version = read_key(call.body, "version", str, faults)
        shorten = read_key(call.body, "shorten_existing", bool, faults)
        wanted = read_change(call.body, self._catalogue, faults)
        return write_policy(*self._changes.change_policy(call.origin, wanted, version=version, shorten=bool(shorten)))

    def preview_change(self, call: Call) -> object:
        """POST the same, to be told what it would do. Nothing is changed."""
        wanted = read_change(call.body, self._catalogue, unknown_keys(call.body, KEYS))
        return write_preview(self._changes.preview_change(call.actor, wanted))

    def list_outliving(self, call: Call) -> object:
        """GET the account's tokens that outlive a maximum lifetime, paged."""
        if filter_header(call) is not None:
            raise Invalid(Fault("Could not apply filter", "X-Filter"))
        request, lifetime = collect_faults(
            lambda: read_page(call.parameters), lambda: _read_asked_lifetime(call.parameters)
        )
        return write_page(self._changes.list_outliving(call.actor, lifetime, request), write_outliving)


def read_change(body: Mapping[str, object], catalogue: Catalogue, faults: list[Fault]) -> PolicyChange:
    """Read what is to be different about the policy; `faults` are those of the rest of the body."""
    rules: dict[str, object] = {}
    if "max_lifetime_seconds" in body:
        seconds = _read_number(body["max_lifetime_seconds"], lifetime_faults, faults)
        rules["lifetime_max"] = None if seconds is None else timedelta(seconds=seconds)
    if "max_tokens" in body:
        rules["tokens_per_user_max"] = _read_number(body["max_tokens"], tokens_faults, faults)
    if (required := read_key(body, "expiry_required", bool, faults)) is not None:
        rules["expiry_required"] = required
    if "second_factor" in body:
        named = [concerned for concerned in Concerned if concerned.value == body["second_factor"]]
        rules.update(("second_factor", concerned) for concerned in named)
        if not named:
            choices = ", ".join(concerned.value for concerned in Concerned)
            faults.append(Fault(f"Must be one of {choices}", "second_factor"))
    scopes = _read_kinds(body, "scopes", lambda value: _read_scopes(value, catalogue, faults), faults)
    limits = _read_kinds(
        body, "requests_per_minute", lambda value: _read_number(value, requests_faults, faults), faults
    )
    return PolicyChange(rules, scopes, limits, tuple(faults))


def write_rules(policy: Policy) -> dict[str, object]:
    """Write the rules of a policy."""
    lifetime = policy.lifetime_max
    return {
        "max_lifetime_seconds": None if lifetime is None else int(lifetime.total_seconds()),
        "expiry_required": policy.expiry_required,
        "max_tokens": policy.tokens_per_user_max,
        "scopes": {kind.value: str(policy.scopes.get(kind, EVERYTHING)) for kind in UserKind},
        "requests_per_minute": {kind.value: policy.requests_per_minute.get(kind) for kind in UserKind},
        "second_factor": policy.second_factor.value,
    }


def write_policy(policy: Policy, shortening: Shortening | None) -> dict[str, object]:
    """Write a policy, with its version and what is under way because of it."""
    return {
        **write_rules(policy),
        "version": policy.version,
        "shortening": None if shortening is None else _write_shortening(shortening),
    }


def write_preview(preview: Preview) -> dict[str, object]:
    """Write what a change would do."""
    outliving, factorless = preview.outliving, preview.factorless
    return {
        "version": preview.before.version,
        "current": write_rules(preview.before),
        "wanted": write_rules(preview.after),
        "changes": [
            {"rule": RULES[each.rule], "kind": None if each.kind is None else each.kind.value, "users": each.users}
            for each in preview.differences
        ],
        "outliving": {
            "tokens": outliving.tokens,
            "at_once": outliving.at_once,
            "users": outliving.users,
            "other_accounts": outliving.elsewhere,
            "by_user": [
                {"username": each.username, "at_once": each.at_once, "sooner": each.sooner}
                for each in preview.outliving_users
            ],
        },
        "without_second_factor": {
            "users": factorless.users,
            "other_accounts": factorless.elsewhere,
            "usernames": list(factorless.usernames),
            "yourself": factorless.oneself,
        },
        "users_without_room": preview.without_room,
    }


def write_outliving(token: OutlivingToken) -> dict[str, object]:
    """Write a token that outlives a maximum lifetime, and when it would expire."""
    return {
        "id": token.id,
        "username": token.username,
        "label": token.label,
        "expiry": write_time(token.expiry),
        "shortened_expiry": write_time(token.shortened),
    }


def _write_shortening(shortening: Shortening) -> dict[str, object]:
    return {
        "max_lifetime_seconds": int(shortening.lifetime.total_seconds()),
        "by": shortening.origin.name,
        "expired": shortening.at_once,
        "expire_sooner": shortening.sooner,
        "started": write_time(shortening.started),
        "ended": None if shortening.ended is None else write_time(shortening.ended),
    }


def _read_number(value: object, faults_of: Callable[[int | None], list[Fault]], faults: list[Fault]) -> int | None:
    """Read a number within its bounds; null is no limit."""
    if value is None:
        return None
    number = read_integer(value)
    found = faults_of(number)
    faults += found
    return None if found else number


def _read_scopes(value: object, catalogue: Catalogue, faults: list[Fault]) -> Scopes:
    if not isinstance(value, str):
        faults.append(Fault("Must be a string for each kind of user", "scopes"))
        return EVERYTHING
    found = catalogue.faults(value)
    faults += found
    return EVERYTHING if found else catalogue.read(value)


def _read_kinds(
    body: Mapping[str, object], key: str, read: Callable[[object], T], faults: list[Fault]
) -> dict[UserKind, T]:
    """Read what goes by the kind of user."""
    if key not in body:
        return {}
    values = body[key]
    if not isinstance(values, dict) or not all(name in _KINDS for name in values):
        faults.append(Fault(f"Must be an object whose keys are of {', '.join(_KINDS)}", key))
        return {}
    return {UserKind(name): read(value) for name, value in values.items()}


def _read_asked_lifetime(parameters: Mapping[str, str]) -> timedelta | None:
    """Read the lifetime that a query asks for, if it does. Raises Invalid."""
    if "max_lifetime_seconds" not in parameters:
        return None
    seconds = read_id(parameters["max_lifetime_seconds"])
    raise_faults(lifetime_faults(seconds))
    return timedelta(seconds=seconds or 0)

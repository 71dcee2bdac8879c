"""The form of the policy: what is typed into it, with which it begins, and what is asked for with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Self

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Fault
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.policy_changes import PolicyChange, requests_faults, tokens_faults
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.pages.fields import Form
from tokenry.spans import read_span, write_span

SHORTEN = "shorten_existing"
"""The box that is ticked to have tokens shortened that there are."""
NUMBER_LENGTH_MAX = 9
_NO_SPAN = Fault("Use a span such as 90d, 12h or 4w, or leave it empty", "max_lifetime")
_NO_CHOICE = Fault("Choose who needs a second factor", "second_factor")


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """The fields as texts; empty is no limit. `scopes` and `requests` go by the kind of user."""

    max_lifetime: str
    expiry_required: bool
    max_tokens: str
    second_factor: str
    scopes: Mapping[UserKind, str]
    requests: Mapping[UserKind, str]
    shorten: bool = False

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Begin with what holds."""
        return cls(
            max_lifetime="" if policy.lifetime_max is None else write_span(policy.lifetime_max),
            expiry_required=policy.expiry_required,
            max_tokens=str(policy.tokens_per_user_max or ""),
            second_factor=policy.second_factor.value,
            scopes={kind: str(policy.scopes.get(kind, "")) for kind in UserKind},
            requests={kind: str(policy.requests_per_minute.get(kind, "")) for kind in UserKind},
        )

    @classmethod
    def read(cls, form: Form) -> Self:
        """Read what was typed. Boxes that are not ticked are off."""
        return cls(
            max_lifetime=form.get("max_lifetime").strip(),
            expiry_required=form.ticked("expiry_required"),
            max_tokens=form.get("max_tokens").strip(),
            second_factor=form.get("second_factor"),
            scopes={kind: " ".join(form.get(scopes_field(kind)).split()) for kind in UserKind},
            requests={kind: form.get(requests_field(kind)).strip() for kind in UserKind},
            shorten=form.ticked(SHORTEN),
        )

    def change(self, policy: Policy, catalogue: Catalogue) -> PolicyChange:
        """What is asked for with it. What stands there as it did is not judged again."""
        before, faults = PolicyForm.of(policy), list[Fault]()
        rules: dict[str, Any] = {"expiry_required": self.expiry_required}
        if self.max_lifetime != before.max_lifetime:
            rules["lifetime_max"] = _read_lifetime(self.max_lifetime, faults)
        if self.max_tokens != before.max_tokens:
            rules["tokens_per_user_max"] = _read_number(self.max_tokens, tokens_faults, faults)
        if self.second_factor in {each.value for each in Concerned}:
            rules["second_factor"] = Concerned(self.second_factor)
        else:
            faults.append(_NO_CHOICE)
        scopes = {
            kind: _read_scopes(text, kind, catalogue, faults)
            for kind, text in self.scopes.items()
            if text != before.scopes[kind]
        }
        limits = {
            kind: _read_number(text, partial(requests_faults, field=requests_field(kind)), faults)
            for kind, text in self.requests.items()
            if text != before.requests[kind]
        }
        return PolicyChange(rules, scopes, limits, tuple(faults))


def scopes_field(kind: UserKind) -> str:
    """The name of the field for what a kind of user may have."""
    return f"scopes_{kind.value}"


def requests_field(kind: UserKind) -> str:
    """The name of the field for how often each token of a kind of user may be used."""
    return f"requests_per_minute_{kind.value}"


def _read_lifetime(text: str, faults: list[Fault]) -> timedelta | None:
    if not text:
        return None
    span = read_span(text)
    if not span:
        faults.append(_NO_SPAN)
    return span


def _read_number(text: str, faults_of: Callable[[int | None], list[Fault]], faults: list[Fault]) -> int | None:
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER_LENGTH_MAX else None
    found = faults_of(number)
    faults += found
    return None if found else number


def _read_scopes(text: str, kind: UserKind, catalogue: Catalogue, faults: list[Fault]) -> Scopes:
    if not text:
        return EVERYTHING
    found = catalogue.faults(text)
    faults += [Fault(fault.reason, scopes_field(kind)) for fault in found]
    return EVERYTHING if found else catalogue.read(text)

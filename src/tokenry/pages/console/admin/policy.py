"""The policy: what holds, what a change of it would do, and the change."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tokenry.domain.errors import Conflict, Fault, Forbidden, Invalid
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.policy_changes import NAMED_MAX, PolicyChange, Shortening, lifetime_faults
from tokenry.pages.console.admin.places import POLICY
from tokenry.pages.console.admin.policy_form import PolicyForm, requests_field, scopes_field
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.console.lists import Asked
from tokenry.pages.forgery import FIELD
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.service.installation import Installation

CHANGE = f"{POLICY.path}/change"
TOKENS = f"{POLICY.path}/tokens"
EDIT, SET = "edit", "set"
"""What the form is sent for, besides to be shown what it would do."""
VERSION = "version"
"""The field for the policy that was looked at."""
KINDS: Mapping[UserKind, str] = {
    UserKind.ADMIN: "Administrators",
    UserKind.USER: "Users",
    UserKind.PROXY: "Proxy users",
    UserKind.SERVICE: "Service accounts",
}
CONCERNED: Mapping[Concerned, str] = {
    Concerned.NOBODY: "Nobody",
    Concerned.ADMINISTRATORS: "Administrators",
    Concerned.EVERYBODY: "Everybody",
}
RULES: Mapping[str, str] = {
    "lifetime_max": "Tokens live for at most",
    "expiry_required": "An expiry has to be given",
    "tokens_per_user_max": "Live tokens of a user",
    "second_factor": "A second factor is needed by",
    "scopes": "Tokens may at most",
    "requests_per_minute": "Requests in a minute, with each token",
}
"""The rules, in words."""
_WORDS: Mapping[str, Any] = {"kinds": KINDS, "concerned": CONCERNED, "rules": RULES}


class PolicyPages:
    """`/console/admin/policy` and what is below it."""

    def __init__(self, installation: Installation) -> None:
        self._changes = installation.policy_changes
        self._policies = installation.policies
        self._catalogue = installation.catalogue

    def show(self, visit: Visit) -> Reply:
        """GET what holds for one's own next token; for who may set it, the whole policy as well."""
        policy, shortening = self._find(visit)
        return show_admin(
            POLICY,
            "policy",
            own=self._policies.get_rules(visit.signed_in.user.id),
            policy=policy,
            shortening=shortening,
            change=CHANGE,
            tokens=TOKENS,
            **_WORDS,
        )

    def show_change(self, visit: Visit) -> Reply:
        """GET the form to change it."""
        require_recent(visit)
        policy, _ = self._changes.get_policy(visit.signed_in.actor)
        return self._show_form(PolicyForm.of(policy))

    def change(self, visit: Visit) -> Reply:
        """POST the form: to be shown what it would do, to go on with it, or to have it done."""
        form = PolicyForm.read(visit.form)
        policy, _ = self._changes.get_policy(visit.signed_in.actor)
        if visit.form.find("step") == EDIT:
            return self._show_form(form)
        try:
            return self._take(visit, form, form.change(policy, self._catalogue))
        except Invalid as refusal:
            return self._show_form(form, refusal.faults)

    def list_tokens(self, visit: Visit) -> Reply:
        """GET the tokens that outlive the lifetime that the address has, or else the policy."""
        asked = Asked.read(visit, TOKENS, fields=(), choices=())
        seconds = read_id(asked.search)
        lifetime = None if lifetime_faults(seconds) else timedelta(seconds=seconds or 0)
        page = self._changes.list_outliving(visit.signed_in.actor, lifetime, asked.request)
        return show_admin(POLICY, "policy_tokens", asked=asked, page=page, back=POLICY.path)

    def _take(self, visit: Visit, form: PolicyForm, wanted: PolicyChange) -> Reply:
        if visit.form.find("step") != SET:
            return self._review(visit, form, wanted)
        try:
            self._changes.change_policy(visit.origin, wanted, version=visit.form.get(VERSION), shorten=form.shorten)
        except Conflict as refusal:
            return self._review(visit, form, wanted, [Fault(fault.reason) for fault in refusal.faults])
        return Redirect(POLICY.path, flash="policy-set")

    def _find(self, visit: Visit) -> tuple[Policy | None, Shortening | None]:
        """The whole policy, for who may see it."""
        try:
            return self._changes.get_policy(visit.signed_in.actor)
        except Forbidden:
            return None, None

    def _show_form(self, form: PolicyForm, faults: Sequence[Fault] = ()) -> Reply:
        return show_admin(
            POLICY,
            "policy_form",
            400 if faults else 200,
            faults=faults,
            form=form,
            action=CHANGE,
            back=POLICY.path,
            scopes_field_of=scopes_field,
            requests_field_of=requests_field,
            **_WORDS,
        )

    def _review(self, visit: Visit, form: PolicyForm, wanted: PolicyChange, faults: Sequence[Fault] = ()) -> Reply:
        shown = self._changes.preview_change(visit.signed_in.actor, wanted, shorten=form.shorten)
        lifetime = shown.after.lifetime_max
        return show_admin(
            POLICY,
            "policy_review",
            409 if faults else 200,
            faults=faults,
            shown=shown,
            shorten=form.shorten,
            named_max=NAMED_MAX,
            tokens="" if lifetime is None else f"{TOKENS}?search={int(lifetime.total_seconds())}",
            fields=[(name, value) for name, value in visit.form.pairs if name not in {FIELD, "step", VERSION}],
            action=CHANGE,
            **_WORDS,
        )

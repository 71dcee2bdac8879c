"""`tokenry admin policy …`: what tokens may be made, for how long they live, and who needs a second factor."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import typer

from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output
from tokenry.cli.policy_rules import NOTHING_NAMED, STAY, GivenRules, ShortenExisting, policy_printer, write_rules
from tokenry.cli.progress import tracked
from tokenry.cli.running import CommandError, complain, group
from tokenry.client import PolicyRules
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Unavailable
from tokenry.domain.policy import Concerned, UserKind
from tokenry.domain.policy_changes import PolicyChange
from tokenry.domain.scopes import EVERYTHING
from tokenry.operator.confirmation import Yes, confirm
from tokenry.operator.options import LOCAL, SCOPED, operator, takes_settings
from tokenry.operator.scopes import read_limit
from tokenry.operator.tables import print_table
from tokenry.service.policy import Policies
from tokenry.settings import Settings
from tokenry.wiring import open_installation

_RULES = {"max_lifetime": "lifetime_max", "max_tokens": "tokens_per_user_max", "expiry_required": "expiry_required"}
"""How rules are called in a policy."""

app = group(help="What tokens may be made, and how people sign in.", no_args_is_help=True)


@app.command()
@takes_settings(*LOCAL)
@takes_groups
def show(output: Output, *, settings: Settings) -> None:
    """Show the policy."""
    printer = policy_printer(output, "version", bare="version")
    policy = open_installation(settings).policies.get_policy()
    rules = PolicyRules(
        max_lifetime=policy.lifetime_max,
        expiry_required=policy.expiry_required,
        max_tokens=policy.tokens_per_user_max,
        scopes={kind.value: (str(policy.scopes.get(kind, EVERYTHING)),) for kind in UserKind},
        requests_per_minute={kind.value: policy.requests_per_minute.get(kind) for kind in UserKind},
        second_factor=policy.second_factor.value,
    )
    printer.write_one({**write_rules(rules), "version": policy.version})


@app.command("set")
@takes_settings(*SCOPED)
@takes_groups
def set_policy(
    rules: GivenRules,
    shorten_existing: ShortenExisting = False,
    yes: Yes = False,
    *,
    settings: Settings,
) -> None:
    """Change the policy; what is not named stays, and so do tokens that there are unless they are to be shortened."""
    installation = open_installation(settings)
    policies, wanted = installation.policies, _read(rules, installation.catalogue)
    if not wanted and not shorten_existing:
        raise typer.BadParameter(NOTHING_NAMED)
    lifetime = wanted.applied_to(policies.get_policy()).lifetime_max
    shorten_to, total = None, 0
    if shorten_existing:
        if lifetime is None:
            raise typer.BadParameter("it needs a maximum lifetime", param_hint="--shorten-existing")
        shorten_to, total = lifetime, _confirm(policies, lifetime, yes=yes)
    if wanted:
        policies.set_policy(operator(), wanted.applied_to)
        print("The policy is set.", flush=True)
    if wanted.rules.get("lifetime_max") is not None and not shorten_existing:
        complain(STAY)
    _enforce(policies, total, shorten_to=shorten_to)


def _enforce(policies: Policies, total: int, *, shorten_to: timedelta | None) -> None:
    """Let the policy that was set hold for everybody, and say what became of tokens that there were."""
    at_once = sooner = 0
    pieces = policies.enforce(operator(), shorten_to=shorten_to)
    try:
        for done in tracked(pieces, "Shortening", total=total, size=lambda done: done.at_once + done.sooner):
            at_once, sooner = at_once + done.at_once, sooner + done.sooner
    except Unavailable as refusal:
        why = f", but the database cannot be used now ({refusal.reason})"
        raise CommandError(_so_far(at_once + sooner, why)) from None
    except KeyboardInterrupt:
        complain(_so_far(at_once + sooner))
        raise
    if at_once or sooner:
        print(f"{at_once} tokens have expired, {sooner} expire sooner.")


def _so_far(shortened: int, why: str = "") -> str:
    return f"The policy is set, and at least {shortened} tokens are shortened{why}: repeat the command for the rest."


def _confirm(policies: Policies, lifetime: timedelta, *, yes: bool) -> int:
    """Say what a maximum lifetime would do to tokens that there are, and ask; needs `--yes` where nobody can answer.

    How many there are.
    """
    concerned = policies.preview_lifetime(lifetime)
    if not concerned:
        return 0
    at_once, sooner = sum(one.at_once for one in concerned), sum(one.sooner for one in concerned)
    print(f"Of the existing tokens, {at_once} would expire at once, and {sooner} sooner than they do now:\n")
    print_table(("user", "at once", "sooner"), [(one.username, one.at_once, one.sooner) for one in concerned])
    print()
    confirm("Go on?", yes=yes, otherwise=", or without --shorten-existing")
    return at_once + sooner


def _read(rules: GivenRules, catalogue: Catalogue) -> PolicyChange:
    """Read what is to be different, by the names that rules have in a policy. Raises BadParameter, Invalid."""
    wanted: dict[str, Any] = {**rules.read()}
    scopes: Mapping[str, str] = wanted.pop("scopes", {})
    limits: Mapping[str, int | None] = wanted.pop("requests_per_minute", {})
    named = {_RULES[name]: value for name, value in wanted.items() if name in _RULES}
    if "second_factor" in wanted:
        named["second_factor"] = Concerned(wanted["second_factor"])
    return PolicyChange(
        named,
        {UserKind(kind): read_limit(text, catalogue) for kind, text in scopes.items()},
        {UserKind(kind): limit for kind, limit in limits.items()},
    )

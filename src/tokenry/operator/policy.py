"""`tokenry admin policy …`: what tokens may be made, for how long they live, and who needs a second factor."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from tokenry.cli.limits import NO_LIMIT, read_kind, read_number
from tokenry.cli.progress import tracked
from tokenry.cli.running import CommandError, complain, group
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import Unavailable
from tokenry.domain.limits import REQUESTS_PER_MINUTE_MAX
from tokenry.domain.policy import Concerned, UserKind
from tokenry.domain.policy_changes import TOKENS_PER_USER_MAX, PolicyChange
from tokenry.domain.scopes import Scopes
from tokenry.domain.spans import read_span, write_span
from tokenry.operator.confirmation import Yes, confirm
from tokenry.operator.options import LOCAL, SCOPED, operator, takes_settings
from tokenry.operator.scopes import ANY_SCOPES, read_limit
from tokenry.operator.tables import print_table
from tokenry.service.policy import Policies
from tokenry.settings import Settings
from tokenry.wiring import open_installation

KINDS = ", ".join(kind.value for kind in UserKind)

app = group(help="What tokens may be made, and how people sign in.", no_args_is_help=True)


@app.command()
@takes_settings(*LOCAL)
def show(*, settings: Settings) -> None:
    """Show the policy."""
    policy = open_installation(settings).policies.get_policy()
    print_table(
        ("rule", "value"),
        [
            ("maximum lifetime", NO_LIMIT if policy.lifetime_max is None else write_span(policy.lifetime_max)),
            ("expiry required", "yes" if policy.expiry_required else "no"),
            ("maximum tokens per user", policy.tokens_per_user_max or NO_LIMIT),
            *((f"scopes of {kind.value}", policy.scopes.get(kind, ANY_SCOPES)) for kind in UserKind),
            *(
                (f"requests per minute of {kind.value}", policy.requests_per_minute.get(kind, NO_LIMIT))
                for kind in UserKind
            ),
            ("second factor of", policy.second_factor.value),
        ],
    )


@app.command("set")
@takes_settings(*SCOPED)
def set_policy(
    max_lifetime: Annotated[
        str | None, typer.Option(metavar="SPAN", help="How long tokens may live: 90d, 12h, 4w, or none for no limit.")
    ] = None,
    expiry_required: Annotated[
        bool | None, typer.Option("--expiry-required/--no-expiry-required", help="Whether an expiry has to be given.")
    ] = None,
    max_tokens: Annotated[
        str | None, typer.Option(metavar="N", help="How many live tokens a user may have, or none for no limit.")
    ] = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=SCOPES", help=f"What a kind of user ({KINDS}) may have, or KIND=any. Repeatable."),
    ] = None,
    second_factor: Annotated[
        Concerned | None, typer.Option(help="Who may not sign in by a password alone.", show_default=False)
    ] = None,
    requests_per_minute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=N",
            help=f"How often each token of a kind of user ({KINDS}) may be used, where that is counted, or KIND=none."
            " Repeatable.",
        ),
    ] = None,
    keep_existing: Annotated[bool, typer.Option("--keep-existing", help="Leave existing tokens as they are.")] = False,
    yes: Yes = False,
    *,
    settings: Settings,
) -> None:
    """Change rules of the policy; what is not named stays. A lower maximum lifetime concerns existing tokens too."""
    installation = open_installation(settings)
    rules: dict[str, Any] = {}
    if max_lifetime is not None:
        rules["lifetime_max"] = _read_lifetime(max_lifetime)
    if expiry_required is not None:
        rules["expiry_required"] = expiry_required
    if max_tokens is not None:
        rules["tokens_per_user_max"] = read_number(max_tokens, TOKENS_PER_USER_MAX, "--max-tokens")
    if second_factor is not None:
        rules["second_factor"] = second_factor
    allowed = dict(_read_scopes(text, installation.catalogue) for text in scopes or ())
    wanted = PolicyChange(rules, allowed, dict(_read_requests_per_minute(text) for text in requests_per_minute or ()))
    if not wanted:
        raise typer.BadParameter("name at least one rule")
    shorten = bool(rules.get("lifetime_max")) and not keep_existing
    total = _confirm(installation.policies, rules["lifetime_max"], yes=yes) if shorten else 0
    installation.policies.set_policy(operator(), wanted.applied_to)
    print("The policy is set.", flush=True)
    _enforce(installation.policies, total, shorten_to=rules["lifetime_max"] if shorten else None)


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
    confirm("Go on?", yes=yes, otherwise=", or with --keep-existing")
    return at_once + sooner


def _read_lifetime(text: str) -> timedelta | None:
    if text == NO_LIMIT:
        return None
    span = read_span(text)
    if not span:
        raise typer.BadParameter("use a span such as 90d, 12h or 4w, or none", param_hint="--max-lifetime")
    return span


def _read_scopes(text: str, catalogue: Catalogue) -> tuple[UserKind, Scopes]:
    kind, scopes = _read_kind(text, "KIND=SCOPES or KIND=any", "--scopes")
    return kind, read_limit(scopes, catalogue)


def _read_requests_per_minute(text: str) -> tuple[UserKind, int | None]:
    option = "--requests-per-minute"
    kind, number = _read_kind(text, "KIND=N or KIND=none", option)
    return kind, read_number(number, REQUESTS_PER_MINUTE_MAX, option)


def _read_kind(text: str, form: str, option: str) -> tuple[UserKind, str]:
    kind, value = read_kind(text, [each.value for each in UserKind], form, option)
    return UserKind(kind), value

"""What can be set of an OAuth client, as options of the commands that set it."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from tokenry.cli.options import read_text, with_options
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Authentication, ClientChange
from tokenry.domain.errors import Fault, Invalid, raise_faults
from tokenry.domain.oauth import GrantType

_SWITCHES = {
    "pkce_required": ("--pkce/--no-pkce", "Whether codes need a code_challenge. Public clients always do."),
    "dpop_required": ("--dpop/--no-dpop", "Bind its tokens to a key that it proves (RFC 9449)."),
    "par_required": ("--par/--no-par", "Have it leave its requests here first (RFC 9126)."),
    "narrowing": ("--narrowing/--no-narrowing", "Let users give it less than it asks for."),
    "verified": ("--verified/--no-verified", "Tell users that you know whose it is."),
}


_FLAGS = {
    "redirect_uris": "--redirect-uri",
    "redirect_uri": "--redirect-uri",
    "grant_types": "--grant-type",
    "jwks": "--jwks-file",
    "client_id": "--client-id",
    **{name: f"--{name}" for name in ("label", "website", "public", "scopes", "account")},
    **{name: flags.partition("/")[0] for name, (flags, _) in _SWITCHES.items()},
}
"""By which option each field is given that a refusal can name."""


def takes_client_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each thing that can be set, and a function of a catalogue that reads `wanted`."""

    @wraps(command)
    def called(**given: Any) -> None:
        flags = {option.name: given.pop(option.name) for option in _OPTIONS}
        try:
            command(**given, wanted=lambda catalogue: _read(flags, catalogue))
        except Invalid as refusal:
            raise Invalid(
                *(Fault(each.reason, _FLAGS.get(each.field or "", each.field)) for each in refusal.faults)
            ) from None

    return with_options(called, command, _OPTIONS, in_place_of={"wanted"})


def _read(flags: Mapping[str, Any], catalogue: Catalogue) -> ClientChange:
    """Read what was given. Raises Invalid for scopes, and BadParameter for a file, that are none."""
    settings = {name: flags[name] for name in ("label", "website", "public", *_SWITCHES)}
    if flags["redirect_uri"]:
        settings["redirect_uris"] = tuple(flags["redirect_uri"])
    if flags["grant_type"]:
        settings["grant_types"] = frozenset(flags["grant_type"])
    if flags["scopes"] is not None:
        settings["scopes"] = catalogue.require(flags["scopes"])
    if flags["jwks_file"] is not None:
        settings["jwks"] = _read_jwks(flags["jwks_file"])
        settings["authentication"] = Authentication.PRIVATE_KEY
    return ClientChange({name: value for name, value in settings.items() if value is not None})


def _read_jwks(path: Path) -> str:
    from tokenry.service.grants.assertions import jwks_faults  # noqa: PLC0415 - few clients have keys

    try:
        jwks = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} has no JSON that can be read ({type(error).__name__})", param_hint="--jwks-file"
        ) from None
    raise_faults(jwks_faults(jwks))
    return json.dumps(jwks)


def _option(name: str, kind: Any, flag: str, help: str, **more: Any) -> Parameter:
    option = typer.Option(flag, help=help, show_default=False, **more)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


_OPTIONS: Sequence[Parameter] = (
    _option("label", str, "--label", "What users are told who asks.", metavar="TEXT", parser=read_text),
    _option("website", str, "--website", "An https address where people read of it."),
    _option(
        "redirect_uri",
        list[str],
        "--redirect-uri",
        "Where users are sent back to. Repeat it for several.",
        metavar="URI",
    ),
    _option("public", bool, "--public/--confidential", "Whether it can keep no secret, such as an app or a page."),
    _option("grant_type", list[GrantType], "--grant-type", "How it comes to tokens. Repeat it for several."),
    _option("scopes", str, "--scopes", 'The most it can get, as in "linodes:read_only domains:read_write".'),
    _option(
        "jwks_file",
        Path,
        "--jwks-file",
        "Its public keys, a JWK set: it proves itself by private_key_jwt.",
        metavar="PATH",
    ),
    *(_option(name, bool, flag, help) for name, (flag, help) in _SWITCHES.items()),
)

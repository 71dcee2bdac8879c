"""`tokenry scanner`: rules by which scanners find secrets of this service where none belong. It asks no database.

Go's expressions (RE2), which gitleaks and TruffleHog use, and GitHub's (Hyperscan) have no look-around: what may not
stand beside a secret is a boundary in the former, and said apart in the latter.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from tokenry.cli.running import alone
from tokenry.domain.secrets import BODY_LENGTH, KINDS, PERSONAL, checksum, is_prefix
from tokenry.operator.options import takes_settings
from tokenry.settings import Settings

NAME = "tokenry-secret"
SAMPLE = "Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78St90Uv12"
"""What comes after the prefix in an example, up to the checksum."""


class Scanner(StrEnum):
    """The scanners whose rules are written here."""

    GITLEAKS = "gitleaks"
    TRUFFLEHOG = "trufflehog"
    GITHUB = "github"


@takes_settings("token_prefix")
def scanner(
    name: Annotated[Scanner, typer.Argument(metavar="SCANNER", help=f"One of: {', '.join(Scanner)}.")],
    prefix: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", show_default="none", help="One that tokens began with before. Repeatable."),
    ] = None,
    *,
    settings: Settings,
) -> None:
    """Print tested rules by which a secret scanner finds leaked tokens.

    It finds every other secret of this service, too, such as those of OAuth clients.
    """
    for former in prefix or []:
        if not is_prefix(former):
            raise typer.BadParameter(f"tokens never began with {former!r}", param_hint="--prefix")
    print(write_rules(name, list(dict.fromkeys([settings.token_prefix, *(prefix or [])]))), end="")


def write_rules(scanner: Scanner, prefixes: Sequence[str]) -> str:
    """Write the rules for personal tokens that begin with any of these, and for every other kind of secret."""
    others = [kind for kind in KINDS.values() if kind is not PERSONAL]
    mixed = [*prefixes, *(kind.prefix for kind in others if not kind.lower)]
    lower = [kind.prefix for kind in others if kind.lower]
    shape = f"(?:{'|'.join(mixed)})[0-9A-Za-z]{{{BODY_LENGTH}}}|(?:{'|'.join(lower)})[0-9a-z]{{{BODY_LENGTH}}}"
    keywords = json.dumps([*mixed, *lower])  # which TOML and YAML read too
    match scanner:
        case Scanner.GITLEAKS:
            return _GITLEAKS.format(name=NAME, shape=shape, keywords=keywords)
        case Scanner.TRUFFLEHOG:
            return _TRUFFLEHOG.format(name=NAME, shape=shape, keywords=keywords)
        case Scanner.GITHUB:
            bodies = [prefix + SAMPLE for prefix in prefixes]
            samples = "\n".join(f"  {body}{checksum(body)}" for body in bodies)
            return _GITHUB.format(name=NAME, shape=f"(?:{shape})", samples=samples)


_GITLEAKS = r"""# A configuration of gitleaks: save it as .gitleaks.toml, or add the rule to yours.
[extend]
useDefault = true

[[rules]]
id = "{name}"
description = "A token, or another secret, of a tokenry service: revoke it."
regex = '''\b({shape})\b'''
keywords = {keywords}
"""

_TRUFFLEHOG = r"""# A configuration of TruffleHog, for --config. What it finds is unverified: it is sent nowhere.
detectors:
  - name: {name}
    keywords: {keywords}
    regex:
      secret: '\b({shape})\b'
"""

_GITHUB = r"""A custom pattern of GitHub's secret scanning, field by field:

Pattern name
  {name}

Secret format
  {shape}

Before secret
  \A|[^0-9A-Za-z_]

After secret
  \z|[^0-9A-Za-z_]

Test string
{samples}
"""

app = alone(scanner)

"""`tokenry scanner`: what it prints, read by the scanners' own engines, finds every secret and nothing else.

gitleaks itself reads its rule. TruffleHog has the same engine for expressions, Go's, and GitHub has Hyperscan.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import hyperscan
import pytest
import yaml
from typer.testing import CliRunner

from tokenry.domain.secrets import KINDS, PERSONAL, Secret, personal_kind
from tokenry.operator.scanner import NAME, Scanner, app

GITLEAKS = Path(sys.executable).with_name("gitleaks")
PREFIXES = ("acme_", "pat_", "a_", "__", "twelve_char_", "tacme_")
"""The one in use, and former ones."""


def secrets() -> list[str]:
    """One of each kind, and of personal tokens one with each prefix."""
    kinds = [*map(personal_kind, PREFIXES), *(kind for kind in KINDS.values() if kind is not PERSONAL)]
    return [Secret.generate(kind=kind).reveal() for kind in kinds]


def near_misses(secret: str) -> list[str]:
    """What is one character away from being one, has another prefix, or is the preview."""
    lower = secret[:-50] in {kind.prefix for kind in KINDS.values() if kind.lower}
    letters = [secret[:20] + "A" + secret[21:]] if lower else []
    return [*letters, secret[:-1], f"{secret}x", f"{secret}_", f"x{secret}", f"zz_{secret[-50:]}", secret[:-38], "-_-"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def print_rules(scanner: Scanner) -> str:
    former = [word for prefix in PREFIXES[1:] for word in ("--prefix", prefix)]
    return run(scanner, "--token-prefix", PREFIXES[0], *former)


def find_with_gitleaks(rules: str, lines: Sequence[str], folder: Path) -> list[str]:
    """What gitleaks finds with these rules in a file of these lines."""
    (folder / "rules.toml").write_text(rules, "utf-8")
    (folder / "searched").mkdir()
    (folder / "searched/app.txt").write_text("".join(f'name = "{line}"\n' for line in lines), "utf-8")
    options = ["--no-banner", "--exit-code=0", "--log-level=error", "--report-format=json", "--report-path=found.json"]
    command = [str(GITLEAKS), "dir", "searched", "--config=rules.toml", *options]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads((folder / "found.json").read_text("utf-8"))
    return [each["Secret"] for each in found if each["RuleID"] == NAME]


def find_as_trufflehog(rules: str, lines: Sequence[str], folder: Path) -> list[str]:
    """What its expression finds in its engine, Go's; keywords are looked for as gitleaks does."""
    (detector,) = yaml.safe_load(rules)["detectors"]
    assert detector.keys() == {"name", "keywords", "regex"}
    (expression,) = detector["regex"].values()
    rule = f"[[rules]]\nid = '{detector['name']}'\nregex = '''{expression}'''\nkeywords = {detector['keywords']}\n"
    return find_with_gitleaks(rule, lines, folder)


def find_as_github(rules: str, lines: Sequence[str], folder: Path) -> list[str]:
    fields = dict(field.split("\n  ", 1) for field in rules.strip().split("\n\n")[1:])
    assert fields["Test string"].split() == [text for text in fields["Test string"].split() if Secret.parse(text)]
    before, secret, after = (fields[name] for name in ("Before secret", "Secret format", "After secret"))
    database = hyperscan.Database()
    expression = f"(?:{before}){secret}(?:{after})".encode()
    database.compile(expressions=[expression], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH])
    found: list[str] = []
    for line in [*lines, *fields["Test string"].split()]:
        for text in (line, f'name = "{line}"\n'):
            database.scan(text.encode(), match_event_handler=lambda *_, line=line: found.append(line))
    assert [found.count(text) for text in fields["Test string"].split()] == [2] * len(PREFIXES)
    return [line for line in lines if found.count(line) == 2]


FINDERS: dict[Scanner, Callable[[str, Sequence[str], Path], list[str]]] = {
    Scanner.GITLEAKS: find_with_gitleaks,
    Scanner.TRUFFLEHOG: find_as_trufflehog,
    Scanner.GITHUB: find_as_github,
}


@pytest.mark.parametrize("scanner", Scanner)
def test_rules_find_a_secret_of_every_kind_and_prefix_and_no_near_miss(scanner: Scanner, tmp_path: Path) -> None:
    real = secrets()
    lines = [line for secret in real for line in (secret, *near_misses(secret))]
    assert sorted(FINDERS[scanner](print_rules(scanner), lines, tmp_path)) == sorted(real)


def test_prefix_is_that_of_the_service(tmp_path: Path) -> None:
    (tmp_path / "tokenry.toml").write_text('token_prefix = "filed_"\n', "utf-8")
    for variables, prefix in (
        ({}, "pat_"),
        ({"TOKENRY_TOKEN_PREFIX": "acme_"}, "acme_"),
        ({"TOKENRY_CONFIG_FILE": str(tmp_path / "tokenry.toml")}, "filed_"),
    ):
        printed = CliRunner().invoke(app, ["gitleaks"], env={**variables, "TOKENRY_DATA_DIR": str(tmp_path / "data")})
        (rule,) = tomllib.loads(printed.stdout)["rules"]
        assert [word for word in rule["keywords"] if word not in KINDS or word == "pat_"] == [prefix]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("former", ["toat", "ses_", "acme", "Acme_", "a'''_"])
def test_what_no_token_began_with_is_refused(former: str) -> None:
    refused = CliRunner().invoke(app, ["gitleaks", "--prefix", former])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "tokens never began with" in refused.stderr

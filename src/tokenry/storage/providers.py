"""OpenID providers as a TOML file, a table each.

[acme]
issuer = "https://login.acme.example"
client_id = "tokenry"
client_secret_file = "/run/secrets/acme"
"""

import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenry.domain.errors import SetupError
from tokenry.domain.providers import NAME, PROVIDERS_MAX, Provider, is_safe_url
from tokenry.domain.scopes import NOTHING, SCOPES_LENGTH_MAX, Scopes

BYTES_MAX = 64 * 1024
"""Of the file, and of one with a secret."""
TEXT_LENGTH_MAX = 2000
LABEL_LENGTH_MAX = 64
_SECRET = "client_secret"  # noqa: S105 - the name of a key


def read_providers(path: Path) -> tuple[Provider, ...]:
    """Read the operator's providers, in the order of the file. Raises SetupError with every fault."""
    tables = _read_tables(path)
    faults = [f"it has more than {PROVIDERS_MAX} tables"] if len(tables) > PROVIDERS_MAX else []
    faults += _faults_of_all(tables)
    if any(_SECRET in table for table in tables.values() if isinstance(table, Mapping)):
        faults += _faults_of_mode(path)
    secrets: dict[str, str] = {}
    for name, table in tables.items():
        if isinstance(table, Mapping) and isinstance(table.get("client_secret_file"), str):
            try:
                secrets[name] = _read_secret(path.parent / table["client_secret_file"])
            except ValueError as error:
                faults.append(f"[{name}] client_secret_file {table['client_secret_file']} {error}")
    if faults:
        raise SetupError(f"In the providers file {path}: {'; '.join(faults)}.")
    return tuple(_provider(name, table, secrets.get(name)) for name, table in tables.items())


def _provider(name: str, table: Mapping[str, Any], secret: str | None) -> Provider:
    values = {key: value for key, value in table.items() if key != "client_secret_file"}
    if secret is not None:
        values[_SECRET] = secret
    if "scopes" in values:
        values["scopes"] = tuple(values["scopes"])
    if "ceiling" in values:
        values["ceiling"] = Scopes.parse(values["ceiling"])
    return Provider(name=name, **{"label": name, **values})


def _faults_of_all(tables: Mapping[str, Any]) -> Iterator[str]:
    issuers: dict[str, str] = {}
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            yield f"{name} stands outside a table: write what it is of as [name] before it"
            continue
        if not NAME.fullmatch(name):
            yield f"[{name}] is not a name: use at most 32 lower-case letters, digits and dashes"
        yield from (f"[{name}] {fault}" for fault in _faults_of(table))
        issuer = table.get("issuer")
        if isinstance(issuer, str) and issuers.setdefault(issuer, name) != name:
            yield f"[{name}] has the issuer of [{issuers[issuer]}]: one table for each issuer"


def _faults_of(table: Mapping[str, Any]) -> Iterator[str]:
    unknown = sorted(table.keys() - _KEYS.keys())
    if unknown:
        yield f"has unknown keys: {', '.join(unknown)}"
    for key in ("issuer", "client_id"):
        if key not in table:
            yield f"needs {key}"
    for key, (holds, wanted) in _KEYS.items():
        if key in table and not holds(table[key]):
            yield f"{key} has to be {wanted}"
    for one, other in ((_SECRET, "client_secret_file"), ("account", "account_claim")):
        if one in table and other in table:
            yield f"has {one} and {other}: keep one of them"
    if ("admin_claim" in table) != ("admin_value" in table):
        yield "needs admin_claim and admin_value together"
    if table.get("link_by_verified_email") is True and table.get("email_claim", "email") != "email":
        yield "link_by_verified_email needs the claim email: only of that does a provider say that it is verified"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= TEXT_LENGTH_MAX


def _is_issuer(value: object) -> bool:
    return isinstance(value, str) and "?" not in value and is_safe_url(value, plain=True)


def _is_label(value: object) -> bool:
    return _is_text(value) and len(str(value)) <= LABEL_LENGTH_MAX


def _are_scopes(value: object) -> bool:
    texts = isinstance(value, list) and all(_is_text(scope) and " " not in scope for scope in value)
    return isinstance(value, list) and texts and "openid" in value


def _is_ceiling(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) <= SCOPES_LENGTH_MAX and Scopes.parse(value) != NOTHING
    except ValueError:
        return False


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


_TEXT = (_is_text, "a text")
_CLAIM = (_is_text, "the name of a claim")
_SWITCH = (_is_switch, "true or false")
_KEYS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "label": (_is_label, f"a text of at most {LABEL_LENGTH_MAX} characters"),
    "issuer": (_is_issuer, "https://…, or http:// on this machine, as the provider writes it"),
    "client_id": _TEXT,
    _SECRET: _TEXT,
    "client_secret_file": (_is_text, "a path"),
    "scopes": (_are_scopes, 'a list of texts with "openid" in it'),
    "username_claim": _CLAIM,
    "email_claim": _CLAIM,
    "account": (_is_text, "the name or the euuid of an account"),
    "account_claim": _CLAIM,
    "admin_claim": _CLAIM,
    "admin_value": _TEXT,
    "ceiling": (_is_ceiling, "scopes such as linodes:read_only, in one text"),
    "create_users": _SWITCH,
    "link_by_verified_email": _SWITCH,
}
"""What a table may have: what holds of it, and that in words."""


def _read_tables(path: Path) -> Mapping[str, Any]:
    try:
        content = _read(path)
    except ValueError as error:
        raise SetupError(f"The providers file {path} {error}: correct TOKENRY_PROVIDERS_FILE.") from None
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"The providers file {path} is not TOML ({error}).") from None
    except (ValueError, RecursionError):  # which the library lets through
        raise SetupError(f"The providers file {path} has a number too long or brackets too deep.") from None


def _faults_of_mode(path: Path) -> Iterator[str]:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield f"it has a client_secret, and others than its owner can open it: run chmod 600 {path}"


def _read_secret(path: Path) -> str:
    """Read a file that holds a secret alone. Raises ValueError, in words."""
    secret = _read(path).strip()
    if not _is_text(secret):
        raise ValueError("has to be one line with the secret")
    return secret


def _read(path: Path) -> str:
    """Read a file. Raises ValueError, in words that go on after its name."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if len(content) > BYTES_MAX:
        raise ValueError(f"has more than {BYTES_MAX} bytes, so it cannot be the right file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None

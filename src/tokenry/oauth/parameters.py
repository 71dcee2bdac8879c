"""What clients send in forms, by its names there. What is not read is ignored (RFC 6749 section 3.2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from tokenry.domain.audiences import read_audience
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.scopes import Scopes

REPEATABLE = frozenset({"resource", "audience"})
"""Parameters that may come several times (RFC 8707, RFC 8693)."""

Form = Mapping[str, object]


def find_text(form: Form, name: str) -> str | None:
    """A parameter that may be sent."""
    value = form.get(name)
    return value if isinstance(value, str) else None


def get_text(form: Form, name: str) -> str:
    """A parameter that has to be sent. Raises OAuthRefusal."""
    value = find_text(form, name)
    if value is None:
        raise OAuthRefusal(OAuthError.INVALID_REQUEST, f"{name} must be sent.")
    return value


def find_scopes(form: Form, catalogue: Catalogue) -> Scopes | None:
    """The scopes that are asked for: `scope`, which clients of the wire format call `scopes`. Raises OAuthRefusal."""
    text = find_text(form, "scope") or find_text(form, "scopes")
    if text is None:
        return None
    if catalogue.faults(text):
        raise OAuthRefusal(OAuthError.INVALID_SCOPE, "There is no such scope.")
    return catalogue.read(text)


def read_resources(form: Form, own: Collection[str], *, names: Iterable[str] = ("resource",)) -> tuple[str, ...] | None:
    """Whom the tokens are to be for (RFC 8707), as `read_audience` has it. Raises OAuthRefusal."""
    sent: list[str] = []
    for name in names:
        values = form.get(name, ())
        assert isinstance(values, Sequence)
        sent += values
    return read_audience(sent, own)


def read_targets(form: Form, own: Collection[str]) -> tuple[str, ...] | None:
    """Whom a token is to be for, by either of the names that an exchange has for it (RFC 8693). Raises OAuthRefusal."""
    return read_resources(form, own, names=("resource", "audience"))

"""Passwords: what one may be, and how much work its hash is (NIST SP 800-63B section 3.1.1, RFC 9106)."""

from dataclasses import dataclass
from unicodedata import normalize

from tokenry.domain.errors import Fault
from tokenry.domain.texts import fold, is_storable
from tokenry.domain.users import User

PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 256
DIFFERENT_MIN = 4
"""Characters that differ: fewer are a run of them."""
# Of those that are long enough, those that people choose most, without digits at the end.
_COMMON = frozenset(
    {
        "admin",
        "administrator",
        "adminadminadmin",
        "changeme",
        "changemechangeme",
        "correcthorsebatterystaple",
        "iloveyou",
        "iloveyouiloveyou",
        "letmein",
        "letmeinletmein",
        "passw0rd",
        "password",
        "passwordpassword",
        "passw0rdpassw0rd",
        "qwerty",
        "qwertyqwerty",
        "qwertyuiop",
        "qwertyuiopasdfghjkl",
        "qwertyuiopasdfghjklzxcvbnm",
        "secret",
        "secretsecret",
        "thisismypassword",
        "tokenry",
        "welcome",
        "welcomewelcome",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "abcdefghijkl",
        "abcdefghijklmnopqrstuvwxyz",
    }
)
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class HashWork:
    """The parameters of argon2id; the standard ones are RFC 9106's second recommendation."""

    memory_kib: int = 65_536
    rounds: int = 3
    lanes: int = 4


def normalise(text: str) -> str:
    """A password as it is hashed: keyboards write the same character in several ways."""
    return normalize("NFKC", text)


def password_faults(text: str, user: User) -> list[Fault]:
    """Say what is wrong with a normalised password of a user's; there are no rules about kinds of characters."""
    if len(text) > PASSWORD_LENGTH_MAX:
        return [Fault(f"Use at most {PASSWORD_LENGTH_MAX} characters.", "password")]
    if len(text) < PASSWORD_LENGTH_MIN:
        return [Fault(f"Use at least {PASSWORD_LENGTH_MIN} characters; several words are good.", "password")]
    if not is_storable(text):
        return [Fault("Use characters that can be typed.", "password")]
    folded = fold(text)
    if folded in {fold(user.username), fold(user.email)}:
        return [Fault("Choose something other than your own name or address.", "password")]
    if len(set(folded)) < DIFFERENT_MIN or folded.rstrip(_DIGITS + "!") in _COMMON or folded in _DIGITS * 30:
        return [Fault("Choose something that others would not try first.", "password")]
    return []

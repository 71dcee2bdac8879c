"""The text of a secret, such as a token: how it is made, recognised, previewed and digested.

    pat_  Ab12Cd34Ef56  32 secret characters  6 checksum characters        base62 after the prefix, 54 in all
    └─────────┬───────┘
           preview: prefix and public id. What lists show, what look-ups use; it holds no secret bit.

Personal tokens begin with what the operator chose when they were made: so a text is read from its end, and one whose
prefix is no other kind's may be such a token, whichever was chosen by then. The digest decides.

The 32 secret characters carry 190 random bits, so a fast keyed digest is enough at rest (docs/decisions/0004). The
checksum is CRC-32 over everything before it: junk is turned away before any look-up, and scanners can recognise a leak.
Every kind of secret is built like this, and `KINDS` says by the prefix what each opens. Access tokens are of digits and
lower-case letters alone, since clients of the wire format look for those; their 32 characters carry 161 random bits.
"""

import hmac
import re
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple, Self
from zlib import crc32

PUBLIC_ID_LENGTH = 12
SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6
BODY_LENGTH = PUBLIC_ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
HIDDEN_LENGTH = SECRET_LENGTH + CHECKSUM_LENGTH
"""What comes after the preview."""
PREFIX_LENGTH_MIN, PREFIX_LENGTH_MAX = 2, 12
TOKEN_LENGTH_MIN, TOKEN_LENGTH_MAX = PREFIX_LENGTH_MIN + BODY_LENGTH, PREFIX_LENGTH_MAX + BODY_LENGTH
PREVIEW_LENGTH_MAX = PREFIX_LENGTH_MAX + PUBLIC_ID_LENGTH
PEPPER_BYTES = 32
_DRAWN_LENGTH = PUBLIC_ID_LENGTH + SECRET_LENGTH
_SPARE_BYTES = 12
"""So many more are drawn than are needed, since some are dropped."""
_LOWER_AT_ONCE = 16
"""About as many are drawn until the checksum of one has no upper-case letter."""
_BLOCK_BYTES = 64

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Two digits at a time: the checksum is computed for every request.
_PAIRS = [high + low for high in BASE62 for low in BASE62]
_DIGITS = BASE62.encode("ascii")
BASE36 = string.digits + string.ascii_lowercase


class _Digits:
    """Makes digits of random bytes: `of_byte` says which, and `uneven` would make some likelier, and are dropped."""

    def __init__(self, digits: str, at_once: int = 1) -> None:
        self._bytes = at_once * (_DRAWN_LENGTH + _SPARE_BYTES)
        self.of_byte = bytes(ord(digits[value % len(digits)]) for value in range(256))
        self.uneven = bytes(range(256 // len(digits) * len(digits), 256))

    def draw(self, draw: Callable[[int], bytes]) -> Iterator[str]:
        """Draw as many as a secret has, again and again."""
        while True:
            digits = draw(self._bytes).translate(self.of_byte, self.uneven).decode("ascii")
            for end in range(_DRAWN_LENGTH, len(digits) + 1, _DRAWN_LENGTH):
                yield digits[end - _DRAWN_LENGTH : end]


_BASE62, _BASE36 = _Digits(BASE62), _Digits(BASE36, _LOWER_AT_ONCE)

API = "what is asked with an Authorization header, `/verify` too"
WITH_PROOF = "the same, with a proof that its key is there (RFC 9449)"


class Kind(NamedTuple):
    """A kind of secret: its name, as credentials have it, the first characters of its text, and what it opens.

    A `lower` one has no upper-case letter.
    """

    name: str
    prefix: str
    opens: str
    lower: bool = False


PERSONAL = Kind("pat", "pat_", API)
ACCESS = Kind("access", "toat", API, lower=True)
BOUND_ACCESS = Kind("bound", "tbat", WITH_PROOF, lower=True)
REFRESH = Kind("refresh", "ort_", "the token endpoint, for other tokens")
CODE = Kind("code", "oac_", "the token endpoint, once")
DEVICE_CODE = Kind("device", "odc_", "the token endpoint, when a user has agreed")
CLIENT_SECRET = Kind("client", "ocs_", "the token endpoint, as a client")
REGISTRATION = Kind("register", "orr_", "the registration of one client (RFC 7592)")
PUSHED = Kind("pushed", "opr_", "the authorization endpoint, with what a client left there (RFC 9126)")
SESSION = Kind("session", "ses_", "the pages, as a cookie")
PAGE = Kind("page", "pgt_", "one user's own tokens, from a page of a product")
LINK = Kind("link", "lnk_", "the page where somebody chooses a password, once")
_ALL = (
    PERSONAL,
    ACCESS,
    BOUND_ACCESS,
    REFRESH,
    CODE,
    DEVICE_CODE,
    CLIENT_SECRET,
    REGISTRATION,
    PUSHED,
    SESSION,
    LINK,
    PAGE,
)
KINDS = {kind.prefix: kind for kind in _ALL}
"""By prefix; that of PERSONAL is the one that it has unless the operator chose another."""
PREFIXES = tuple(KINDS)
API_PREFIXES = tuple(prefix for prefix, kind in KINDS.items() if kind.opens == API)
BOUND_PREFIXES = tuple(prefix for prefix, kind in KINDS.items() if kind.opens == WITH_PROOF)
# The underscore at its end is no digit: without a list of prefixes it is known where the public id begins.
_CHOSEN = re.compile(rf"[a-z0-9_]{{{PREFIX_LENGTH_MIN - 1},{PREFIX_LENGTH_MAX - 1}}}_")
_KNOWN_LENGTH = 4


def is_prefix(text: str) -> bool:
    """Whether personal tokens may begin with this: no other kind of secret does."""
    return _CHOSEN.fullmatch(text) is not None and KINDS.get(text, PERSONAL) is PERSONAL


def personal_kind(prefix: str) -> Kind:
    """Personal tokens that begin with this. Raises ValueError unless they may."""
    if not is_prefix(prefix):
        raise ValueError("A prefix is 2 to 12 lower-case letters, digits and underscores, the last an underscore")
    return PERSONAL._replace(prefix=prefix)


def kind_of(preview: str) -> Kind:
    """The kind of a secret, by its preview."""
    return KINDS.get(preview[:-PUBLIC_ID_LENGTH], PERSONAL)


def find_prefix(text: str) -> str:
    """What a text begins with, if that may be a secret's prefix; empty otherwise. For any text, from its beginning."""
    found = _CHOSEN.match(text)
    if found is not None and found[0] not in KINDS:
        return found[0]
    known = text[:_KNOWN_LENGTH]
    return known if known in KINDS else ""


# Also those of other makers, which somebody may have pasted by mistake.
_KNOWN = rf"((?:pa[a-z]_|{'|'.join(KINDS)})[0-9A-Za-z]{{12}})[0-9A-Za-z]+"
# Whatever comes before the underscore: names of things, such as user_ and a UUID, have no more than 32 characters
# behind it, or are digests in hexadecimal. What may be left of a secret then is 20 of its 32 characters.
_LOOKALIKE = re.compile(rf"{_KNOWN}|(_(?![0-9a-f]{{33}})[0-9A-Za-z]{{12}})[0-9A-Za-z]{{21,}}")
_WHOLE = re.compile(rf"(?=({_CHOSEN.pattern}[0-9A-Za-z]{{{BODY_LENGTH}}}))")  # wherever one may begin
_BEGUN = re.compile(_KNOWN)


class Secret:
    """The full text of a token. It cannot print itself: only `reveal()` gives the text away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def generate(cls, draw: Callable[[int], bytes] = secrets.token_bytes, kind: Kind = PERSONAL) -> Self:
        """Make a new one. `draw` gives as many random bytes as it is asked for, by default the system's.

        Of lower-case ones about fifteen are drawn, until the checksum has no upper-case letter either: so recognising
        them costs what it does for all others.
        """
        digits = (_BASE36 if kind.lower else _BASE62).draw(draw)
        while True:
            body = kind.prefix + next(digits)
            check = checksum(body)
            if not kind.lower or check == check.lower():
                return cls(body + check)

    @classmethod
    def parse(cls, text: str, prefixes: tuple[str, ...] = PREFIXES) -> Self | None:
        """Recognise a secret with one of these prefixes, by its shape and checksum; None for anything else.

        Where PERSONAL's is among them, each that may be chosen is.
        Costs well under a microsecond. It says what `TEXT_RULES` in `checks.py` say one after the other.
        """
        if (
            text.isascii()
            and ((prefix := text[:-BODY_LENGTH]) in prefixes or (PERSONAL.prefix in prefixes and is_prefix(prefix)))
            and text[-BODY_LENGTH:].isalnum()  # of ASCII: base62
            and checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]
        ):
            return cls(text)
        return None

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return kind_of(self.preview)

    @property
    def preview(self) -> str:
        """Prefix and public id."""
        return self._text[:-HIDDEN_LENGTH]

    def reveal(self) -> str:
        """Give the whole text: for the one answer that shows it, and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return f"<Secret {self.preview}…>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is never serialised")


def checksum(body: str) -> str:
    """CRC-32 of `body` in base62, six characters, most significant first."""
    rest, low = divmod(crc32(body.encode("ascii")), len(_PAIRS))
    high, middle = divmod(rest, len(_PAIRS))
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def is_junk(text: bytes) -> bool:
    """Whether the last character already shows that this is no token; it does for all but one in 62 that are none.

    `Secret.parse` tells for certain; this costs a small part of it.
    """
    return not text or text[-1] != _DIGITS[crc32(text[:-CHECKSUM_LENGTH]) % len(_DIGITS)]


def holds_secret(text: str) -> bool:
    """Whether there is a secret in a text: one whose prefix is its kind's, whole or not, or a whole personal token."""
    return _BEGUN.search(text) is not None or any(map(Secret.parse, _WHOLE.findall(text)))


def mask_secrets(text: str) -> str:
    """Cut everything in a text that looks like a token to its preview, whole or not."""
    # A text as short as a usual preview holds no more of one; most of what is logged is.
    return text if len(text) <= _KNOWN_LENGTH + PUBLIC_ID_LENGTH else _LOOKALIKE.sub(r"\1\2…", text)


class _Hmac:
    """HMAC-SHA-256 (RFC 2104) with the key already hashed in: half the time of `hmac.digest` for every message."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Keyed(NamedTuple):
    """What is stored of a secret: what finds it, and the keyed digest by which a text is known to be it."""

    preview: str
    digest: bytes
    pepper_generation: int


@dataclass(frozen=True, repr=False)
class Peppers:
    """The server's keys for digests, oldest first. They live outside the database, so a copy of it opens nothing.

    A digest of generation k is `HMAC(pepper_k, … HMAC(pepper_1, SHA-256(token)))`, so that a newer pepper could wrap
    what the older ones made without knowing any token. Nothing does so yet: an installation has one pepper, for good.
    """

    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not self.keys or any(len(key) != PEPPER_BYTES for key in self.keys):
            raise ValueError(f"peppers are {PEPPER_BYTES} bytes each, and there is at least one")

    @property
    def generation(self) -> int:
        """The generation that new digests get: the number of peppers."""
        return len(self.keys)

    def digest(self, secret: Secret, generation: int | None = None) -> bytes:
        """Digest a token, 32 bytes. Raises LookupError for a generation whose peppers are not here."""
        digest = sha256(secret.reveal().encode("ascii")).digest()
        return self._wrap(digest, self.generation if generation is None else generation)

    def digest_words(self, *words: str, generation: int | None = None) -> bytes:
        """Digest what is no Secret, 32 bytes; the first word says what it is. Raises LookupError as `digest`."""
        digest = sha256("\0".join(words).encode("utf-8")).digest()
        return self._wrap(digest, self.generation if generation is None else generation)

    def key(self, secret: Secret) -> Keyed:
        """What is to be stored of a new secret."""
        return Keyed(secret.preview, self.digest(secret), self.generation)

    def opens(self, secret: Secret, digest: bytes, generation: int) -> bool:
        """Whether `digest`, of `generation`, was made from `secret`. Takes the same time whatever the answer."""
        return hmac.compare_digest(self.digest(secret, generation), digest)

    def check_value(self) -> bytes:
        """A value that proves, beside a database, that these are the peppers it was made with."""
        return self._wrap(sha256(b"tokenry pepper check").digest(), self.generation)

    def _wrap(self, value: bytes, generation: int) -> bytes:
        if not 1 <= generation <= len(self.keys):
            raise LookupError(f"no pepper of generation {generation}")
        for keyed in self._keyed[:generation]:
            value = keyed.digest(value)
        return value

    @cached_property
    def _keyed(self) -> tuple[_Hmac, ...]:
        return tuple(_Hmac(key) for key in self.keys)

    def __repr__(self) -> str:
        return f"<Peppers: {len(self.keys)}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("Peppers are never serialised")

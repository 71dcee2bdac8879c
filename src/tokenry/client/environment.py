"""Where a client sends and as whom, when it is not told: TOKENRY_URL, TOKENRY_TOKEN, TOKENRY_TOKEN_FILE."""

import os
import stat
from pathlib import Path

from tokenry.client.secrets import Secret

URL = "http://127.0.0.1:8470"
FILE_BYTES_MAX = 64 * 1024
BYTE_ORDER_MARK = "\ufeff"


def environment_url() -> str:
    """The address of TOKENRY_URL, or that of a service on this machine."""
    return os.environ.get("TOKENRY_URL") or URL


def environment_token() -> Secret | None:
    """The token of TOKENRY_TOKEN, or in the file that TOKENRY_TOKEN_FILE names; None without either.

    Raises OSError for a file that cannot be read, and ValueError, which shows nothing of it, for what is no token.
    """
    if os.environ.get("TOKENRY_TOKEN"):
        return _checked(_read(os.environ["TOKENRY_TOKEN"]), "TOKENRY_TOKEN")
    file = os.environ.get("TOKENRY_TOKEN_FILE")
    return _checked(_read_file(Path(file)), "The file of TOKENRY_TOKEN_FILE") if file else None


def _read(text: str) -> Secret:
    """What editors and shells leave around a token is none of it: white space, the end of a line, a byte order mark."""
    return Secret(text.removeprefix(BYTE_ORDER_MARK).strip())


def _read_file(path: Path) -> Secret:
    with path.open("rb") as file:
        kind = os.fstat(file.fileno()).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            raise ValueError("The file of TOKENRY_TOKEN_FILE holds no token: it is neither a file nor a pipe")
        held = file.read(FILE_BYTES_MAX + 1)
    if len(held) > FILE_BYTES_MAX:
        raise ValueError(f"The file of TOKENRY_TOKEN_FILE holds no token: it has more than {FILE_BYTES_MAX} bytes")
    return _read(held.decode("utf-8", "replace"))


def _checked(secret: Secret, source: str) -> Secret:
    if not secret.is_sendable:
        raise ValueError(f"{source} holds no token: that is one line of visible ASCII characters without a space")
    return secret

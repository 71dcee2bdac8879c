"""Paths of pages, and which of them somebody may be sent to."""

import re
from urllib.parse import quote

HOME = "/"
CONSOLE = "/console"
ADMIN = "/console/admin"
CHILDREN = "/console/child-accounts"
CONSOLE_TOKENS = "/console/tokens"
SIGN_IN = "/sign-in"
AGAIN = "/sign-in/again"
SECOND_STEP = "/sign-in/second"
PASSKEY = "/sign-in/passkey"
SECURITY = "/sign-in/security"
ONE_TIME_PASSWORDS = "/sign-in/security/one-time-passwords"
RECOVERY_CODES = "/sign-in/security/recovery-codes"
PASSKEYS = "/sign-in/security/passkeys"
WITH = "/sign-in/with"
CALLBACK = "/sign-in/callback"
SIGN_OUT = "/sign-out"
PASSWORD = "/password"  # noqa: S105 - the path of a page
AUTHORIZE = "/oauth/authorize"
TARGET_LENGTH_MAX = 8000
# What is printable ASCII and means one thing to all: browsers read a backslash as a slash, and drop tabs and line ends.
_OWN = re.compile(r"/(?:(?![/\\])[!#-;=?-\[\]_a-z~%]*)?", re.ASCII)


def own_path(text: str) -> str:
    """A path of ours to go on to, with its query; HOME for what may lead to anywhere else."""
    return text if len(text) <= TARGET_LENGTH_MAX and _OWN.fullmatch(text) else HOME


def sign_in_path(target: str, path: str = SIGN_IN) -> str:
    """Where to sign in, to go on to a path of ours afterwards."""
    return path if own_path(target) == HOME else f"{path}?next={quote(target, safe='/')}"

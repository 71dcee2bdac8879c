"""Where a client sends and as whom, when it is not told: TOKENRY_URL, TOKENRY_TOKEN, TOKENRY_TOKEN_FILE."""

import os
from pathlib import Path

from tokenry.client.secrets import Secret

URL = "http://127.0.0.1:8470"


def environment_url() -> str:
    """The address of TOKENRY_URL, or that of a service on this machine."""
    return os.environ.get("TOKENRY_URL") or URL


def environment_token() -> Secret | None:
    """The token of TOKENRY_TOKEN, or in the file that TOKENRY_TOKEN_FILE names; None without either. Raises OSError."""
    if os.environ.get("TOKENRY_TOKEN"):
        return Secret(os.environ["TOKENRY_TOKEN"])
    file = os.environ.get("TOKENRY_TOKEN_FILE")
    return Secret(Path(file).read_text("ascii", "replace").strip()) if file else None

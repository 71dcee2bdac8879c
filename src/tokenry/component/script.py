"""The script of the component as a file: its bytes, the path that never means other bytes, and its integrity hash."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ELEMENT = "tokenry-tokens"
PLACE = f"/components/{ELEMENT}"
NAME_BYTES = 8


@dataclass(frozen=True, slots=True)
class Script:
    """A version of the script. A page that names `integrity` runs these bytes or none (Subresource Integrity 1)."""

    body: bytes

    @property
    def digest(self) -> bytes:
        """The digest of its bytes, SHA-384."""
        return hashlib.sha384(self.body).digest()

    @property
    def integrity(self) -> str:
        """What a page has in the attribute of this name."""
        return f"sha384-{base64.b64encode(self.digest).decode('ascii')}"

    @property
    def path(self) -> str:
        """Where the service has it: named by the bytes, so that a path never means others."""
        return f"{PLACE}/{self.digest[:NAME_BYTES].hex()}.js"

    def write_element(self, service: str) -> str:
        """Write the element that loads it from a service."""
        return (
            f'<script type="module" src="{service}{self.path}" integrity="{self.integrity}" '
            'crossorigin="anonymous"></script>'
        )


@cache
def read_script() -> Script:
    """Read the script of this version."""
    return Script(files("tokenry.component").joinpath(f"{ELEMENT}.js").read_bytes())

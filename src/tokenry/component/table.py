"""The paths of the component."""

import json
from collections.abc import Mapping

from starlette.types import ASGIApp

from tokenry.component.script import PLACE, read_script
from tokenry.web.dialect import Dialect
from tokenry.web.document import Document

IMMUTABLE = b"public, max-age=31536000, immutable"
ANY_ORIGIN = (b"access-control-allow-origin", b"*")


def component_paths(dialect: Dialect) -> Mapping[str, ASGIApp]:
    """The script, where it stays the same for ever; and where that is, with its hash, for whoever writes pages."""
    script = read_script()
    told = json.dumps({"path": script.path, "integrity": script.integrity}).encode("ascii")
    # A page that isolates itself loads it, too (Cross-Origin-Embedder-Policy).
    for_pages = (ANY_ORIGIN, (b"cross-origin-resource-policy", b"cross-origin"))
    return {
        PLACE: Document(dialect, told, b"application/json", ANY_ORIGIN),
        script.path: Document(dialect, script.body, b"text/javascript; charset=utf-8", *for_pages, cached=IMMUTABLE),
    }

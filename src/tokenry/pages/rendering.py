"""Writing pages: templates with every value escaped, and the headers that keep a page to itself."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tokenry.web.answers import HeaderList


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tokenry.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["style"] = Markup(_style())  # noqa: S704 - a file of our own
    return environment


@cache
def _style() -> str:
    return files("tokenry.pages").joinpath("style.css").read_text("utf-8")


@cache
def _style_source() -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def render(template: str, values: Mapping[str, object]) -> bytes:
    """Write a page."""
    return _environment().get_template(template).render(values).encode("utf-8")


def page_headers(form_action: Sequence[str] = ()) -> HeaderList:
    """The headers of every page. `form_action` are origins besides our own that a form may lead to.

    The policy lets a page have its style, known by its hash, and pictures of ours; it is in no frame. The address of a
    page is told to nobody else; to ourselves it is, since browsers send `Origin: null` with forms of a page that tells
    it nobody.
    """
    policy = (
        f"default-src 'none'; style-src {_style_source()}; img-src 'self'; base-uri 'none'; "
        f"form-action {' '.join([chr(39) + 'self' + chr(39), *form_action])}; frame-ancestors 'none'"
    )
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode("ascii")),
        (b"x-frame-options", b"DENY"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]

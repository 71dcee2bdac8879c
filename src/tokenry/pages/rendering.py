"""Writing pages: templates with every value escaped, and the headers that keep a page to itself."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from tokenry.domain.tokens import NEVER
from tokenry.languages import writing
from tokenry.languages.catalogues import DEFAULT, translations
from tokenry.moments import write_moment
from tokenry.pages.happenings import describe_action
from tokenry.pages.once import new_key
from tokenry.pages.told import name_in, tell
from tokenry.web.answers import HeaderList

MINUTES = len("2027-01-31T23:59")
"""As much of a moment as pages tell."""
PASSKEYS = "passkeys.js"
CONSOLE = "console.js"
COUNTDOWN = f"{CONSOLE} countdown.js"
"""Scripts of pages: one that has two names is both, one after the other."""


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("tokenry.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    texts = translations(language)
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["language"] = language
    environment.globals["style"] = Markup(_read("style.css"))  # noqa: S704 - a file of our own
    environment.globals["script_of"] = lambda name: Markup(_read(name))  # noqa: S704 - another
    environment.globals["never"] = NEVER
    environment.globals["new_key"] = new_key
    environment.filters.update(
        day=_write_day,
        date=partial(writing.write_date, language=language),
        moment=_write_time,
        distance=_write_distance,
        instant=_write_instant,
        span=partial(writing.write_span, language=language),
        told=_tell,
        named=partial(name_in, language=language),
        happened=lambda action: texts.gettext(describe_action(action)),
    )
    return environment


@pass_context
def _write_day(context: Context, at: datetime) -> str:
    return writing.write_day(at, context["language"], context["timezone"])


@pass_context
def _write_time(context: Context, at: datetime) -> str:
    return writing.write_time(at, context["language"], context["timezone"])


@pass_context
def _write_distance(context: Context, at: datetime) -> str:
    return writing.write_distance(at, context["now"], context["language"])


@pass_context
def _tell(context: Context, reason: str) -> str | Markup:
    # Macros that are imported without the context know of no time zone; no fault of a field of theirs has a time.
    return tell(reason, context["language"], context.get("timezone"))


def _write_instant(at: datetime) -> str:
    return f"{write_moment(at)[:MINUTES]}Z"


@cache
def _read(name: str) -> str:
    """Files that are in pages, without what is there for who reads them."""
    text = "".join(files("tokenry.pages").joinpath(each).read_text("utf-8") for each in name.split())
    read = "\n".join(line.strip() for line in text.splitlines() if not line.lstrip().startswith("//"))
    if name.endswith(".css"):
        for mark in "{};":
            read = read.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return read


@cache
def _source(name: str) -> str:
    digest = base64.b64encode(hashlib.sha256(_read(name).encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def render(template: str, values: Mapping[str, object], language: str = DEFAULT) -> bytes:
    """Write a page, in a language."""
    return _environment(language).get_template(template).render(values).encode("utf-8")


def page_headers(form_action: Sequence[str] = (), *, script: str | None = None) -> HeaderList:
    """The headers of every page. `form_action` are origins besides our own that a form may lead to.

    The policy lets a page have its style, known by its hash, and pictures of ours; it is in no frame. A page that has a
    script has one of ours, known by its hash as well: no other runs, wherever it came from. The address of a page is
    told to nobody else; to ourselves it is, since browsers send `Origin: null` with forms of a page that tells
    it nobody.
    """
    scripts = f"script-src {_source(script)}; " if script else ""
    policy = (
        f"default-src 'none'; {scripts}style-src {_source('style.css')}; img-src 'self'; base-uri 'none'; "
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

"""The page: what stands on it, in which order, and how it is served. It is written once, at the start."""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from tokenry.description.html import Html, code, element, inline, join, link, markdown
from tokenry.description.openapi import Part, describe
from tokenry.description.operations import Operation, list_operations, write_operation, write_response, write_signature
from tokenry.description.schemas import write_schema, write_type
from tokenry.domain.catalogue import Catalogue
from tokenry.web.dialect import Dialect
from tokenry.web.document import Document

NEIGHBOURS = frozenset({"Profile", "Account", "OAuth clients", "Child accounts", "Resources"})
"""The tags of what clients of the wire format ask for beside tokens."""
Section: TypeAlias = tuple[Part, list[Operation]]
SETTING = "export TOKENRY_URL=https://…      # this service, without a path\nexport TOKENRY_TOKEN=pat_…"


@cache
def description_as_page(catalogue: Catalogue, dialect: Dialect) -> Document:
    """Write `/docs`. Its policy has a browser apply the page's own style and script, known by their hashes, alone.

    The script reaches this service alone.
    """
    style, script = (files("tokenry.description").joinpath(name).read_text("utf-8") for name in ("style.css", "try.js"))
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Document(
        dialect,
        write_page(describe(catalogue), Html(style), Html(script)).encode(),
        b"text/html; charset=utf-8",
        (b"content-security-policy", policy.encode("ascii")),
        (b"referrer-policy", b"no-referrer"),
    )


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def write_page(description: Part, style: Html, script: Html) -> str:
    """Write the whole page."""
    info, components = description["info"], description["components"]
    title = f"{info['title']} {info['version']}"
    sections = [(tag, list_operations(description["paths"], tag["name"])) for tag in description["tags"]]
    own = [section for section in sections if section[0]["name"] not in NEIGHBOURS]
    neighbours = [section for section in sections if section[0]["name"] in NEIGHBOURS]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title}: HTTP API"),
        element("style", style),
    )
    main = element(
        "main",
        _introduction(title, info),
        _authentication(components["securitySchemes"]),
        *(_section(tag, operations) for tag, operations in own),
        _folded(*(_section(tag, operations) for tag, operations in neighbours)),
        _catalogue("Answers", "response", components["responses"], write_response),
        _catalogue("Headers of answers", "header", components["headers"], _header),
        _catalogue("Schemas", "schema", components["schemas"], write_schema),
        id="content",
        tabindex="-1",
    )
    skip = element("a", "Skip to the content", href="#content", class_="skip")
    body = element("body", skip, _navigation(title, own, neighbours), main, element("script", script))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _navigation(title: str, own: list[Section], neighbours: list[Section]) -> Html:
    parts = ("Authentication", "Answers", "Headers of answers", "Schemas")
    links = [element("li", link(part, f"#{_slug(part)}")) for part in parts]
    return element(
        "nav",
        element("p", link(title, "#content"), class_="title"),
        *map(_entries, own),
        _folded(*map(_entries, neighbours)),
        element("h2", "For all of them"),
        element("ul", *links),
        aria_label="Contents",
    )


def _entries(section: Section) -> Html:
    tag, operations = section
    signatures = (element("li", write_signature(operation, omit="/{apiVersion}")) for operation in operations)
    return join(element("h2", link(tag["name"], f"#{_slug(tag['name'])}")), element("ul", *signatures))


def _folded(*sections: Html) -> Html:
    """What is beside the tokens in the wire format; a link into it unfolds it."""
    return element("details", element("summary", "The wire format's neighbours of tokens"), *sections, class_="folded")


def _introduction(title: str, info: Part) -> Html:
    return element(
        "header",
        element("h1", title),
        element("p", info["summary"], class_="summary"),
        markdown(info["description"]),
        element("p", "Tools read ", link("openapi.json", "/openapi.json"), ". The examples need bash, and this:"),
        element("pre", code(SETTING)),
    )


def _authentication(schemes: Part) -> Html:
    texts = [markdown(scheme["description"]) for scheme in schemes.values()]
    return element("section", element("h2", "Authentication"), *texts, id="authentication")


def _section(tag: Part, operations: list[Operation]) -> Html:
    return element(
        "section",
        element("h2", tag["name"]),
        markdown(tag["description"]),
        *(write_operation(operation) for operation in operations),
        id=_slug(tag["name"]),
    )


def _catalogue(title: str, kind: str, parts: Part, write: Callable[[Part], Html]) -> Html:
    """The parts that operations refer to."""
    entries = []
    for name, part in parts.items():
        anchor = f"{kind}-{name}"
        entries.append(element("article", element("h3", link(name, f"#{anchor}")), write(part), id=anchor))
    return element("section", element("h2", title), *entries, id=_slug(title), class_="parts")


def _header(header: Part) -> Html:
    always = "Always there; " if header.get("required") else ""
    kind = element("p", always, write_type(header["schema"]), ".", class_="type")
    return join(element("p", inline(header["description"])) if "description" in header else "", kind)


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")

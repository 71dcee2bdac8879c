"""Writing HTML: elements, and the little of Markdown that descriptions use. Every text is escaped on its way in."""

import re
from collections.abc import Iterable
from html import escape

VOID = frozenset({"meta"})
_CODE = re.compile(r"`([^`]+)`")


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str) -> Html:
    """Write an element; `class_` is the attribute `class`, `aria_label` is `aria-label`."""
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{named}>" if name in VOID else f"<{name}{named}>{join(*content)}</{name}>")


def join(*content: str) -> Html:
    """Write one piece after the other; what is not Html is escaped."""
    return Html("".join(piece if isinstance(piece, Html) else escape(piece, quote=False) for piece in content))


def separated(content: Iterable[str], separator: str) -> list[str]:
    """The pieces with a separator between them."""
    return [piece for each in content for piece in (separator, each)][1:]


def link(text: str, href: str) -> Html:
    """Write a link."""
    return element("a", text, href=href)


def code(text: str) -> Html:
    """Write something to be taken literally."""
    return element("code", text)


def inline(text: str) -> Html:
    """Write a line of Markdown: `code`, and nothing else."""
    by_turns = _CODE.split(text.strip())  # plain, code, plain, …
    return join(*(code(piece) if number % 2 else piece for number, piece in enumerate(by_turns)))


def markdown(text: str) -> Html:
    """Write Markdown that consists of paragraphs and lists."""
    return join(*(_block(block) for block in text.strip().split("\n\n") if block))


def _block(block: str) -> Html:
    if not block.startswith("- "):
        return element("p", inline(block))
    return element("ul", *(element("li", inline(entry)) for entry in block.removeprefix("- ").split("\n- ")))

"""How Sphinx builds the site from these pages: `make docs`."""

import logging
import sys
from pathlib import Path

from sphinx.application import Sphinx

import tokenry

sys.path.insert(0, str(Path(__file__).parents[1]))

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of itself when it is imported

from docs.commands import write_commands  # noqa: E402 - only now can it be found

project = "tokenry"
version = release = tokenry.__version__
copyright = "the tokenry authors"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!tokenry\.).*"),  # what is not documented here
    ("py:.*", r"tokenry\.client\.tokens\.[TU]"),  # type variables
    ("py:.*", r"tokenry\.middleware\.django\.View"),
]

myst_heading_anchors = 3
smartquotes = False  # --text is no dash
autodoc_class_signature = "separated"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
default_role = "code"
add_module_names = False

html_theme = "furo"
html_title = f"tokenry {release}"
html_copy_source = False
html_show_sourcelink = False


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", complete)


def complete(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the page of the commands what is read from the code."""
    if page == "reference/commands":
        source[0] += write_commands()

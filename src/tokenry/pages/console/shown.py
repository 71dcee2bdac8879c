"""Showing a page of the console."""

from tokenry.pages.navigation import Section
from tokenry.pages.rendering import CONSOLE
from tokenry.pages.visits import Shown


def show_in(section: Section, template: str, status: int = 200, **values: object) -> Shown:
    """Show a page of a section: `template` is a name in `templates/console`; `faults` stand on top of it."""
    return Shown(f"console/{template}.html", {"section": section.title, **values}, status, script=CONSOLE)

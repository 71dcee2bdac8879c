"""A browser in words, by what it says of itself, which is anything: it is shown to its own user alone."""

from typing import NamedTuple

PROGRAMS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""Those that name others too come before them: Edge says that it is Chrome, and Chrome that it is Safari."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
SHOWN_LENGTH_MAX = 60


class Device(NamedTuple):
    """A program, such as Firefox, and the system that it runs on; each is empty if that is not known."""

    program: str
    system: str


def describe_agent(agent: str | None) -> Device:
    """Describe it. A program that is not known is shown by the first characters of what it says."""
    if not agent:
        return Device("", "")
    program = next((name for sign, name in PROGRAMS if sign in agent), None)
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    if program is None:
        return Device(agent[:SHOWN_LENGTH_MAX], "")
    return Device(program, system)

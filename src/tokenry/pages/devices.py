"""A browser in words, by what it says of itself, which is anything: it is shown to its own user alone."""

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


def describe_agent(agent: str | None) -> str:
    """Describe it, such as `Firefox on Windows`; what is not known is shown by its first characters, if it is there."""
    if not agent:
        return ""
    program = next((name for sign, name in PROGRAMS if sign in agent), None)
    system = next((name for sign, name in SYSTEMS if sign in agent), None)
    if program is None:
        return agent[:SHOWN_LENGTH_MAX]
    return f"{program} on {system}" if system else program

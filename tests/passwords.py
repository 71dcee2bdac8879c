"""The password of tests, and settings with which to compare it takes no time."""

from typing import Any

from tokenry.settings import variable_of

PASSWORD = "correct horse 7 staple"
CHEAP: dict[str, Any] = {"password_memory": 64, "password_rounds": 1, "password_lanes": 1}
CHEAP_VARIABLES = {variable_of(name): str(value) for name, value in CHEAP.items()}
"""The same for a service in a process of its own."""

"""The password of tests, and settings with which to compare it takes no time."""

from functools import cache
from typing import Any

from argon2 import PasswordHasher

from tokenry.settings import variable_of

PASSWORD = "correct horse 7 staple"
CHEAP: dict[str, Any] = {"password_memory": 64, "password_rounds": 1, "password_lanes": 1}
CHEAP_VARIABLES = {variable_of(name): str(value) for name, value in CHEAP.items()}
"""The same for a service in a process of its own."""


@cache
def hash_of_password() -> str:
    """What is stored of it, with these settings."""
    memory, rounds, lanes = CHEAP.values()
    return PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=lanes, hash_len=32).hash(PASSWORD)

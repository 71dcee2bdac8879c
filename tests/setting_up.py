"""tokenry's command line in a process that has a fault while it makes the first pepper.

FAULT=slow         it takes a while over the pepper's file
FAULT=uncommitted  it dies when the database has the pepper's check value, and has not committed it
FAULT=committed    it dies just after that commit
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

from sqlalchemy import Connection

from tokenry.cli import main
from tokenry.domain.secrets import Peppers
from tokenry.storage import peppers
from tokenry.storage.files import create_peppers
from tokenry.storage.installation import insert_pepper_check

PROGRAM = (sys.executable, __file__)
SLOW, UNCOMMITTED, COMMITTED = "slow", "uncommitted", "committed"
SLOW_SECONDS = 0.5


def create_slowly(directory: Path) -> Peppers:
    """Make it, while others have the time to do so too."""
    made = create_peppers(directory)
    time.sleep(SLOW_SECONDS)
    return made


def insert_and_die(connection: Connection, value: bytes) -> NoReturn:
    """Store it in vain."""
    insert_pepper_check(connection, value)
    die()


def die(*_: object) -> NoReturn:
    """End as of a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


FAULTS: Mapping[str, tuple[str, Callable[..., object]]] = {
    SLOW: ("create_peppers", create_slowly),
    UNCOMMITTED: ("insert_pepper_check", insert_and_die),
    COMMITTED: ("keep_new_peppers", die),
}

if __name__ == "__main__":
    name, fault = FAULTS[os.environ["FAULT"]]
    patch.object(peppers, name, fault).start()
    main()

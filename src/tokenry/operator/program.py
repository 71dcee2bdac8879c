"""How the command line that runs is called again, in a line to paste."""

import shutil
import sys
from pathlib import Path
from shlex import join

NAME = "tokenry"


def find_program() -> str:
    """What to type for `tokenry`: that, where a shell finds this very program by it; else its whole path."""
    called = Path(sys.argv[0])
    if called.name != NAME:
        return join([sys.executable, "-m", "tokenry"])
    found, own = shutil.which(NAME), called if "/" in sys.argv[0] else Path(shutil.which(sys.argv[0]) or called)
    same = found is not None and Path(found).exists() and own.exists() and Path(found).samefile(own)
    return NAME if same else join([str(own.absolute())])

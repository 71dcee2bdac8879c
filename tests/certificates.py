"""Certificates for servers of tests, each its own authority."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.conftest import missing


class Certificate(NamedTuple):
    """The files of a certificate and of its key."""

    file: Path
    key: Path


def make_certificate(folder: Path, name: str) -> Certificate:
    """Make a certificate for a name, such as `DNS:app.example` or `IP:127.0.0.1`."""
    program = shutil.which("openssl")
    if program is None:
        missing("openssl (the Debian package)")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(made.key), "-out", str(made.file), "-days", "2"]
    command += ["-subj", "/CN=test", "-addext", f"subjectAltName={name}"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made

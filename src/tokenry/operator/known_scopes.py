"""Which scopes there are, for a command that is not run where the service is: from the file, or the running service."""

import json
import time
from pathlib import Path

import httpx2

from tokenry.domain.catalogue import JSON_BYTES_MAX, Catalogue, read_json
from tokenry.storage.catalogue import read_catalogue

PATIENCE_SECONDS = 2


def find_catalogue(scopes_file: Path | None, *, verifier: str) -> Catalogue | None:
    """The catalogue of a file, or else of the service at `http://host:port` or `unix:/path`; None if it says nothing.

    Raises SetupError for a file that cannot be read.
    """
    if scopes_file is not None:
        return read_catalogue(scopes_file)
    path = verifier.removeprefix("unix:") if verifier.startswith("unix:") else None
    url = "http://tokenry" if path is not None else verifier.removesuffix("/")
    if path is not None and not Path(path).is_socket():
        return None
    transport = httpx2.HTTPTransport(trust_env=False, uds=path)
    try:
        with httpx2.Client(transport=transport, timeout=PATIENCE_SECONDS) as client:
            return read_json(json.loads(_fetch(client, f"{url}/v4/tokenry/scopes")))
    except (httpx2.HTTPError, TimeoutError, ValueError, RecursionError):
        return None


def _fetch(client: httpx2.Client, url: str) -> bytes:
    """A body of a bounded size, within the time. Raises ValueError, TimeoutError, HTTPError."""
    body, until = b"", time.monotonic() + PATIENCE_SECONDS
    with client.stream("GET", url) as response:
        if response.status_code != 200:
            raise ValueError(response.status_code)
        for piece in response.iter_raw():
            body += piece
            if len(body) > JSON_BYTES_MAX:
                raise ValueError(len(body))
            if time.monotonic() > until:
                raise TimeoutError
    return body

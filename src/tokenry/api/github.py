"""`/tokenry/leaks/github`: leak reports by GitHub's secret scanning, by the protocol of its partner program."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from tokenry.api.leaks import CREDENTIALS_MAX
from tokenry.domain.callers import Callers
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.secrets import Secret
from tokenry.service.installation import Installation
from tokenry.service.leak_keys import IDENTIFIER_HEADER, SIGNATURE_HEADER, LeakKeys
from tokenry.service.leaks import Leaks
from tokenry.web.bodies import read_json
from tokenry.web.limits import Bucket
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Paths, change

BODY_BYTES_MAX = 512 * 1024
"""A match says where it was found, and has some hundred bytes."""
REPORTS = Bucket("github leaks")


class Match(NamedTuple):
    """What GitHub found: a text, and by which of the patterns that it was told of."""

    token: str
    type: str


def github_paths(installation: Installation, resource: MakeResource) -> Paths:
    """The path that is for GitHub; its `resource` reads no body before it knows whose that is."""
    reports = GithubReports(installation.leaks, installation.leak_keys)
    report = change(reports.report, who=Callers.ANYBODY, bucket=REPORTS, body_bytes_max=BODY_BYTES_MAX)
    return {"/tokenry/leaks/github": resource(POST=report)}


class GithubReports:
    """`/tokenry/leaks/github`."""

    def __init__(self, leaks: Leaks, keys: LeakKeys) -> None:
        self._leaks = leaks
        self._keys = keys

    def report(self, call: Call) -> object:
        """POST what GitHub found, signed; of each match, whether it is a secret."""
        sent = (call.headers.get(name.lower().encode("ascii")) for name in (IDENTIFIER_HEADER, SIGNATURE_HEADER))
        self._keys.require_signed(call.raw, *sent)
        matches = read_matches(call.raw)
        self._leaks.revoke_reported([match.token for match in matches], call.address)
        return [write_label(match) for match in matches]


def read_matches(raw: bytes) -> Sequence[Match]:
    """Read a list of matches. Raises Invalid."""
    found = read_json(raw)
    if not isinstance(found, list) or len(found) > CREDENTIALS_MAX:
        raise Invalid(Fault(f"Must be a list of at most {CREDENTIALS_MAX} matches"))
    matches = [(match.get("token"), match.get("type")) for match in found if isinstance(match, dict)]
    read = [Match(token, kind) for token, kind in matches if isinstance(token, str) and isinstance(kind, str)]
    if len(read) < len(found):
        raise Invalid(Fault("Must be objects with strings as token and type"))
    return read


def write_label(match: Match) -> dict[str, object]:
    """Write whether a match is a secret: by its checksum, so as well for one that was revoked before.

    A hash stands for its text, which no answer has.
    """
    return {
        "token_hash": sha256(match.token.encode("utf-8", "surrogatepass")).hexdigest(),
        "token_type": match.type,
        "label": "false_positive" if Secret.parse(match.token) is None else "true_positive",
    }

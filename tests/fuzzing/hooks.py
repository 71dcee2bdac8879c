"""What Schemathesis is told beside the description: what a future time is, a network, a key; what a token must do."""

import itertools
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import schemathesis
from hypothesis import strategies as st

from tokenry.domain.accounts import SETTING_LENGTHS_MAX
from tokenry.domain.scopes import POLICY_BYTES_MAX
from tokenry.domain.texts import shows
from tokenry.moments import read_moment

PRINTABLE_SETTINGS = {"company", *SETTING_LENGTHS_MAX}
"""Of an account; the other two have patterns."""
ACTING_USER, ACTING_TOKEN_ID = "admin", 1
"""Whom and what the run itself acts with: both must outlive it."""
TOKEN_PATH = re.compile(r"/v4(?:beta)?/profile/tokens(?:/(\d+))?")
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KEY = re.compile(r"[!-~]{1,255}")
SSH_KEY = re.compile(r"ssh-(rsa|ed25519) [A-Za-z0-9+/]{16,80}={0,2}( [ -~]{0,20})?")

tomorrow = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
moments = st.datetimes(tomorrow, tomorrow.replace(year=2999, month=1, day=1))
addresses = st.ip_addresses().flatmap(
    lambda address: st.integers(0, address.max_prefixlen).map(lambda bits: ip_network((address, bits), strict=False))
)
schemathesis.openapi.format("date-time-local", moments.map(lambda moment: moment.isoformat(timespec="seconds")))
schemathesis.openapi.format("ip-network", addresses.map(str))
schemathesis.openapi.format("ssh-public-key", st.from_regex(SSH_KEY, fullmatch=True))

numbers = itertools.count()
texts_by_id: dict[str, str] = {}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Say of the header that holds JSON what is in it, as Schemathesis understands it: by `content`.

    Both versions of the API are one: what was deleted through the one would be missed in the other, so one is asked.
    """
    raw_schema["components"]["parameters"]["apiVersion"]["schema"]["enum"] = ["v4"]
    for parameter in raw_schema["components"]["parameters"].values():
        if "contentSchema" in parameter["schema"]:
            schema = parameter.pop("schema")
            parameter["content"] = {schema["contentMediaType"]: {"schema": schema["contentSchema"]}}


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Let a filter say an order and a limit once, and not in a choice, and a question be short as a whole.

    That is more than their schemas can say; and which keys metadata can have.
    """
    if case.path.startswith("/verify") and len(urlencode(case.query or {}, doseq=True)) > POLICY_BYTES_MAX:
        return False
    header = (case.headers or {}).get("X-Filter", {})
    try:
        filter = json.loads(header) if isinstance(header, str) else header
    except ValueError:
        return True
    said = [*orders(filter)]
    return len(said) == len(set(said)) and all(map(str.isprintable, names(filter)))


def names(filter: Any) -> Iterator[str]:
    """Every name that a filter has a condition on."""
    if isinstance(filter, dict):
        yield from filter.keys()
        for part in [*as_list(filter.get("+and")), *as_list(filter.get("+or"))]:
            yield from names(part)


def as_list(value: Any) -> list[Any]:
    """What is in a list; nothing of anything else."""
    return value if isinstance(value, list) else []


def orders(filter: Any) -> Iterator[str]:
    """Every order and limit that a filter says; twice where it stands in a choice."""
    if isinstance(filter, dict):
        yield from filter.keys() & {"+order_by", "+order", "+limit"}
        for key, times in (("+and", 1), ("+or", 2)):
            for part in as_list(filter.get(key)):
                yield from [*orders(part)] * times


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Keep the run's own token and user out of harm, and let requests do what later ones can make sense of.

    A user who has another name by now would be missed under the first, and a key stands for one request.
    """
    path, headers = case.path_parameters or {}, case.headers or {}
    body = case.body if isinstance(case.body, dict) else {}
    if case.method != "GET":
        if path.get("tokenId") == ACTING_TOKEN_ID:
            path["tokenId"] = ACTING_TOKEN_ID + 1
        if path.get("username") == ACTING_USER:
            path["username"] = "nobody"
    if case.method == "PUT" and case.path.endswith("/tokenry/policy"):
        body["version"] = body.get("version") or "another"  # or later requests would be refused by what it forbids
    if isinstance(body.get("ids"), list):
        body["ids"] = [ACTING_TOKEN_ID + 1 if each == ACTING_TOKEN_ID else each for each in body["ids"]]
    if isinstance(body.get("label"), str) and body["label"] and "\0" not in body["label"]:
        body["label"] = visible(body["label"])
    for name in PRINTABLE_SETTINGS & body.keys():
        body[name] = printable(body[name])
    if "username" in path and USERNAME.fullmatch(str(body.get("username", ""))):
        del body["username"]
    key = headers.get("Idempotency-Key", "")
    if KEY.fullmatch(key):
        headers["Idempotency-Key"] = f"{next(numbers)}-{key}"[:255]


def visible(text: str) -> str:
    """Let a text show something, and leave its length."""
    return text if shows(text) else f"-{text[1:]}"


def printable(text: Any) -> Any:
    """Let all that a text has show, and leave its length."""
    if not isinstance(text, str) or not text:
        return text
    return visible("".join(character if character.isprintable() else "-" for character in text))


@schemathesis.check
def token_is_let_in_until_it_is_revoked(ctx: Any, response: Any, case: Any) -> None:
    """A token that was made is let in at once, unless it is for later; and from its revocation on it is not."""
    path = TOKEN_PATH.fullmatch(urlsplit(response.request.url).path)
    if path is None or response.status_code != 200:
        return
    if case.method == "POST":
        made = response.json()
        texts_by_id[str(made["id"])] = made["token"]
        begins = read_moment(json.loads(response.request.body or "{}").get("not_before") or "")
        assert verify(made["token"]) == (401 if begins is not None and begins > datetime.now(UTC) else 200)
    elif case.method == "DELETE" and path[1] in texts_by_id:
        assert verify(texts_by_id.pop(path[1])) == 401


def verify(token: str) -> int:
    """Ask whether a token is valid."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{os.environ['TOKENRY_URL']}/verify", headers=headers, timeout=10).status_code

"""Every pattern of the package takes time that is linear in the text, whoever wrote the text.

Each is given an example of what it reads, which is then pumped: cut at every place, and long runs put in there. A new
pattern needs an example here.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

import tokenry
from tests.timing import seconds_taken
from tokenry.gate.heads import read_plain
from tokenry.gate.shapes import pattern_of

ROOT = Path(tokenry.__file__).parent
LENGTH = 16 * 1024
SECONDS_MAX = 0.02
"""Of processor time. A linear pattern takes a millisecond at most for such a text, a quadratic one 0.1 to 2 seconds."""
FILLERS = [*" \t,a0/:._-=%\x80", '"', "A.", "a/", "pat_", "\r\n", "a: b\r\n"]
USE = r"\b{}\.(fullmatch|match|search|findall|split|sub)\b"

TOKEN = "pat_" + "a" * 50
BEFORE = "GET /verify HTTP/1.1\r\nHost: x\r\nUser-Agent: probe\r\nAuthorization: Bearer "
AFTER = "\r\nX-Request-Id: 1\r\n\r\n"
EXAMPLES: dict[str, str] = {
    "addresses._AUTHORITY_END": "/",
    "addresses._HOST": "tokens.example.com",
    "addresses._LONG_WORD": TOKEN,
    "addresses._PATH": "/a%2fb/c",
    "addresses._PORT": "8470",
    "addresses._SCHEME": "https://",
    "addresses._TOKEN": TOKEN,
    "description.html._CODE": "a `b` c",
    "spans._SPAN": "90d",
    "web.document._ENTITY_TAG": 'W/"a", "b"',
    "web.document._WEIGHT": "q=0.5",
    "web.guard._AMBIGUOUS": "/a%2fb",
    "web.guard._AMBIGUOUS_NAME": "/a%0ab",
    "web.guard._LONG_WORD": f"/a/{TOKEN}",
    "web.guard._REQUEST_ID": "a-1",
    "api.idempotency._KEY": "0d6ba8b1",
    "api.wire._NUMBER": "-12",
    "cli.loopback._REQUEST_LINE": "GET /?code=a&state=b HTTP/1.1",
    "cli.configuration._NAME": "work",
    "cli.usage._CREDENTIALS": "postgresql://ada:secret@db",
    "cli.usage._TOO_MUCH": "Got unexpected extra argument(s) (a b)",
    "cli.usage._UNKNOWN_COMMAND": "No such command 'tokne'.",
    "client.answers._ESCAPED": "auth0%7C64f2",
    "client.answers._NUMBER": "12",
    "client.rows._SEPARATORS": "a, b",
    "client.retries._SECONDS": "12",
    "client.secrets._CHOSEN": TOKEN,
    "client.secrets._PREVIEW": TOKEN[:16],
    "client.secrets._LOOKALIKE": f"a {TOKEN}",
    "client.secrets._SENDABLE": TOKEN,
    "domain.accounts._COUNTRY": "CH",
    "domain.accounts._NOT_FIRST": "-a",
    "domain.providers.NAME": "acme-1",
    "domain.providers._NOT_IN_USERNAME": "a b",
    "openid.relying_party._ERROR": "access_denied",
    "domain.accounts._NOT_IN_USERNAME": "a b",
    "domain.audiences._ADDRESS": "https://mcp.example/a?b=c",
    "domain.authorization._DIGEST": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "domain.codes._CODE_VERIFIER": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "domain.device_codes._USER_CODE": "WDJBMJHT",
    "domain.clients._CHOSEN_ID": "example.1",
    "domain.clients._MADE_ID": "5823b4627e45411d18e9",
    "domain.identity._ESCAPED": "auth0%7C64f2",
    "domain.networks._SHAPE": "203.0.113.0/24",
    "domain.oauth._NOT_IN_DESCRIPTION": 'a "b"',
    "domain.public_url._HOST": "tokens.example.com",
    "domain.profile._KEY": "ssh-rsa AAAAAAAAAAAAAAAAAAAA== ada@host",
    "domain.profile._TIMEZONE": "America/Argentina/Ushuaia",
    "domain.redirects._CHARACTERS": "/a%2fb?c=d",
    "domain.redirects._DOTS": "%2e.",
    "domain.redirects._LOOPBACK": "http://127.0.0.1:8470/a?b=c",
    "domain.redirects._PARTS": "https://app.example/a/b?c=d#e",
    "domain.redirects._PRIVATE_SCHEME": "com.example.app",
    "domain.scopes.INSTANCE": "team-7",
    "domain.scopes.RESOURCE": "linodes",
    "domain.scopes._SEPARATORS": "a, b",
    "domain.secrets._BEGUN": f"a {TOKEN}",
    "domain.secrets._CHOSEN": "pat_",
    "domain.secrets._LOOKALIKE": f"a {TOKEN}",
    "domain.secrets._WHOLE": f"a {TOKEN}",
    "domain.words._REALM": "Acme API",
    "domain.users._EMAIL": "ada@example.org",
    "domain.users._PROXY_SUFFIX": "acme_0123456789abcdef",
    "domain.users._USERNAME": "ada.b-c_d",
    "domain.mail._ADDRESS": "tokens@example.com",
    "domain.webhooks._URL": "https://app.example:8443/hooks?key=1",
    "middleware.answers._NUMBER": "12",
    "middleware.remote._VALUE": f"Bearer {TOKEN}",
    "printable._FORMULA": 'a;"=1',
    "moments._MOMENT": "2018-01-02T03:04:05.123+01:00",
    "operator.gateway._HOST": "api.example.org",
    "operator.gateway._PATH": "/run/tokenry/tokenry.sock",
    "operator.gateway._PLACEHOLDER": "a __LISTEN_HOST__ b",
    "operator.gateway._PORT": "8080",
    "cli.limits._NUMBER": "12",
    "pages.once._KEY": "a" * 32,
    "pages.told._MOMENT": "2030-07-01T00:30:00",
    "pages.console.token_form._BETWEEN": ", ",
    "pages.console.token_form._DAY": "2027-01-31",
    "pages.cookies.VISIT_VALUE": "a" * 43,
    "pages.paths._OWN": "/oauth/authorize?a=b",
    "gate.heads._BEARER": f"bearer  {TOKEN}",
    "gate.heads._PLAIN": "GET /verify?scope=a HTTP/1.1\r\nX-A: b\r\nHost: x\r\nAuthorization: Bearer a\r\n\r\n",
    "gate.heads._POLICY": "resource=linodes&scope=a:read_only",
    "gate.heads._SPECIAL": "\r\nhost: x\r\ncontent-length: 0\r\n",
    "gate.heads._VISIBLE": TOKEN,
    "gate.senders._AGENT": BEFORE,
    "gate.senders._FORWARDED": "\r\nX-Forwarded-For: 203.0.113.7, 192.0.2.1 \r\n",
    "gate.shapes._LENGTH": "Content-Length: 0",
    "setting_texts._MODE": "0660",
    "storage.postgres._SCHEME": "postgresql+psycopg2://",
    "storage.postgres._SECONDS": "-1",
    "storage.postgres._TRY": "Multiple connection attempts failed:\n- host: 'a'\n- host: 'b'",
    "storage.postgres._UNKNOWN_PARAMETER": 'invalid URI query parameter: "pool_size"',
    "verification.bound_tokens._TARGET": "/a/b?c=d",
    "verification.dpop._ESCAPE": "%2F",
    "verification.needs._COST": "1",
    "verification.verifier._BEARER": f"Bearer  {TOKEN}",
    "verification.verifier._BOUND": "DPoP abc",
}


@dataclass(frozen=True)
class Found:
    """A pattern, and the names of the methods by which it is used."""

    pattern: re.Pattern[Any]
    uses: frozenset[str]

    def readable(self, text: str) -> str | bytes:
        """The text as this pattern takes it."""
        return text if isinstance(self.pattern.pattern, str) else text.encode("latin-1")


@cache
def patterns() -> dict[str, Found]:
    """Every pattern by the module that makes it, and its name there."""
    found = {}
    texts = {path: path.read_text("utf-8") for path, _ in sources()}
    for path, tree in sources():
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and is_call_of_re(statement.value):
                [target] = statement.targets
                assert isinstance(target, ast.Name)
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                pattern = getattr(importlib.import_module(f"tokenry.{module}"), target.id)
                readers = [texts[path]] if target.id.startswith("_") else texts.values()
                uses = frozenset(use for text in readers for use in re.findall(USE.format(target.id), text))
                found[f"{module}.{target.id}"] = Found(pattern, uses)
    return found


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in ROOT.rglob("*.py"):
        yield path, ast.parse(path.read_text("utf-8"))


def is_call_of_re(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id == "re"
        and called.attr != "escape"
    )


def pumped(example: str) -> Iterator[str]:
    """The example cut at every place, with a long run of each filler there, and an end that matches nothing."""
    for filler in FILLERS:
        run = (filler * LENGTH)[:LENGTH]
        for cut in range(0, len(example) + 1, max(1, len(example) // 24)):
            yield example[:cut] + run + "\0"
            yield example[:cut] + run + example[cut:]


def assert_linear(found: Found, example: str) -> None:
    for pump in pumped(example):
        text = found.readable(pump)
        for use in found.uses:
            arguments = (text[:0], text) if use == "sub" else (text,)
            taken = seconds_taken(partial(getattr(found.pattern, use), *arguments), enough=SECONDS_MAX)
            assert taken < SECONDS_MAX, (found.pattern.pattern, use, text[:80])


def test_every_pattern_has_an_example_that_it_finds() -> None:
    found = patterns()
    assert found.keys() == EXAMPLES.keys()
    assert [name for name, each in found.items() if not each.pattern.search(each.readable(EXAMPLES[name]))] == []
    assert [name for name, each in found.items() if not each.uses] == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_pattern_takes_linear_time(name: str) -> None:
    assert_linear(patterns()[name], EXAMPLES[name])


@pytest.mark.parametrize("target", ["/verify?scope=a", "/verify/ext-authz//a?b"])
def test_pattern_for_a_shape_takes_linear_time(target: str) -> None:
    head = f"{BEFORE.replace('/verify', target)}{TOKEN}{AFTER}".encode()
    plain = read_plain(head)
    assert plain is not None
    pattern = re.compile(pattern_of(head, plain, slice(first := head.index(TOKEN.encode()), first + len(TOKEN))))
    assert pattern.fullmatch(head)
    assert_linear(Found(pattern, frozenset({"fullmatch"})), head.decode())


def test_pattern_that_is_not_linear_is_found_out() -> None:
    with pytest.raises(AssertionError, match="search"):
        assert_linear(Found(re.compile(r"[\t ]+\r"), frozenset({"search"})), "probe \r")


def test_patterns_are_named_so_that_they_are_found() -> None:
    """None is written where it is used, since those would be missed here; but those for shapes, which have a test."""
    calls = sum(is_call_of_re(node) for _, tree in sources() for node in ast.walk(tree))
    assert calls == len(EXAMPLES) + 1

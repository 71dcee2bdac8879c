"""What the gateways ask: the heads of their questions as recorded from each with its recipe, but for what varies."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_AGENTS = (
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "linode-cli/5.56.0 linode_api4/5.24.0 Python/3.11",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
)
_METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE")
"""Of clients' requests; most of them read."""


@dataclass(frozen=True, slots=True)
class Question:
    """How one gateway asks. `{policy}` in its path is what is needed, `{id}` the id of the token that asks.

    `headers` are those of one question, beside Authorization; `methods` are those that it asks by.
    """

    gateway: str
    path: str
    headers: Callable[[random.Random], Mapping[str, str]]
    methods: tuple[str, ...] = ("GET",)


def _address(chance: random.Random) -> str:
    return f"203.0.113.{chance.randrange(256)}"


def _by_nginx(chance: random.Random) -> Mapping[str, str]:
    """It asks by HEAD; here that is GET, as wrk would wait for the body of an answer to HEAD."""
    return {
        "User-Agent": chance.choice(_AGENTS),
        "X-Original-Method": chance.choice(_METHODS),
        "X-Forwarded-For": _address(chance),
        "Host": "tokenry",
    }


def _by_haproxy(chance: random.Random) -> Mapping[str, str]:
    return {
        "x-original-method": chance.choice(_METHODS),
        "x-forwarded-for": _address(chance),
        "user-agent": chance.choice(_AGENTS),
        "accept": "*/*",
    }


def _by_caddy(chance: random.Random) -> Mapping[str, str]:
    return {
        "Host": "tokenry",
        "User-Agent": chance.choice(_AGENTS),
        "X-Forwarded-For": _address(chance),
        "X-Forwarded-Method": chance.choice(_METHODS),
    }


def _by_traefik(chance: random.Random) -> Mapping[str, str]:
    number = chance.getrandbits(32)
    return {
        "User-Agent": chance.choice(_AGENTS),
        "X-Forwarded-For": _address(chance),
        "X-Forwarded-Host": f"api{number % 10}.example.org",
        "X-Forwarded-Method": chance.choice(_METHODS),
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Uri": f"/v1/things/{number}?page={number % 97}",
        "Accept-Encoding": "gzip",
    }


def _by_envoy(chance: random.Random) -> Mapping[str, str]:
    return {
        "content-length": "0",
        "user-agent": chance.choice(_AGENTS),
        "x-forwarded-for": _address(chance),
        "x-envoy-internal": "true",
        "x-envoy-expected-rq-timeout-ms": "5000",
    }


QUESTIONS = (
    Question("nginx", "/verify/auth-request?{policy}", _by_nginx, ("HEAD",)),
    Question("haproxy", "/verify/auth-request?{policy}", _by_haproxy),
    Question("caddy", "/verify/forward-auth?{policy}", _by_caddy),
    Question("traefik", "/verify/forward-auth?{policy}", _by_traefik),
    Question("envoy", "/verify/ext-authz/{policy}//v1/things/{{id}}?page=2", _by_envoy, _METHODS),
)

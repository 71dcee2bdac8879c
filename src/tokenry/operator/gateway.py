"""`tokenry gateway`: the recipes of `deploy/`, filled in. It reads no database, and no setting but the scopes file."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlencode

import typer

from tokenry.cli.options import takes_groups
from tokenry.cli.running import alone, complain
from tokenry.domain.audiences import is_audience
from tokenry.domain.limits import COST_MAX
from tokenry.domain.networks import SOCKET_PATH_BYTES_MAX
from tokenry.domain.public_url import read_public_url
from tokenry.domain.scopes import NOTHING, Scopes, is_resource
from tokenry.operator.known_scopes import find_catalogue

T = TypeVar("T")

PORT_MAX = 65535
_PLACEHOLDER = re.compile(r"__([A-Z]+(?:_[A-Z]+)*)__")
_HOST = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?")
_PATH = re.compile(r"(?:/[0-9A-Za-z._@+-]++)++", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


class Gateway(StrEnum):
    """The gateways there is a recipe for; each is a folder of `deploy/`."""

    NGINX = "nginx"
    HAPROXY = "haproxy"
    CADDY = "caddy"
    ENVOY = "envoy"
    TRAEFIK = "traefik"


FILES = {
    Gateway.NGINX: ("tokenry.conf",),
    Gateway.HAPROXY: ("haproxy.cfg", "tokenry.lua"),
    Gateway.CADDY: ("Caddyfile",),
    Gateway.ENVOY: ("envoy.yaml",),
    Gateway.TRAEFIK: ("tokenry.yml", "traefik.yml"),
}
"""The files of each recipe; the first is the one that is printed unless another is asked for."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A unix socket."""

    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `unix:/path`, of characters that mean nothing to any gateway. Raises ValueError."""
        path = text.removeprefix("unix:")
        if path == text or not _PATH.fullmatch(path) or len(path) > SOCKET_PATH_BYTES_MAX:
            raise ValueError(text)
        return cls(path)


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port. `host` has no brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`, with brackets around the host if it is an IPv6 address. Raises ValueError."""
        host, _, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = IPv6Address(host[1:-1]).compressed
            if "%" in host:  # a zone, which may be any text
                raise ValueError(text)
        elif not _HOST.fullmatch(host):
            raise ValueError(text)
        if not _PORT.fullmatch(port) or int(port) > PORT_MAX:
            raise ValueError(text)
        return cls(host, int(port))

    @classmethod
    def parse_url(cls, text: str) -> Self:
        """Read `http://host:port`. Raises ValueError."""
        if not text.startswith("http://"):
            raise ValueError(text)
        return cls.parse(text.removeprefix("http://").removesuffix("/"))

    def __str__(self) -> str:
        """As in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What a request needs, as options."""

    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", show_default="any valid token will do", help="A scope it takes. Repeatable."),
    ] = None
    resource: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RESOURCE",
            show_default="none",
            help="A resource it takes: read_only for GET, HEAD and OPTIONS, else read_write. Repeatable.",
        ),
    ] = None
    audience: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default="only tokens for anybody",
            help="The service's address by which OAuth clients ask for tokens for it alone.",
        ),
    ] = None
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default="tokens that are bound to a key are refused",
            help="The service's public address, https://host, for which clients prove their keys (DPoP).",
        ),
    ] = None
    cost: Annotated[
        int,
        typer.Option(
            min=0, max=COST_MAX, show_default="none is counted", help="What a request takes of its token's limit."
        ),
    ] = 0

    def write(self) -> str:
        """Write it as the verification routes read it. Raises BadParameter."""
        return write_policy(self.scope or [], self.resource or [], self.audience, self.origin, cost=self.cost)


@takes_groups
def gateway(
    name: Annotated[Gateway, typer.Argument(metavar="GATEWAY", help=f"One of: {', '.join(Gateway)}.")],
    needed: Needed,
    verifier: Annotated[
        str, typer.Option(metavar="URL", help="Where tokenry listens; unix:/path for its unix socket.")
    ] = "http://127.0.0.1:8470",
    upstream: Annotated[
        str, typer.Option(metavar="URL", help="The service that is protected.")
    ] = "http://127.0.0.1:8000",
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the gateway listens.")] = "127.0.0.1:8080",
    scopes_file: Annotated[
        Path | None,
        typer.Option(
            envvar="TOKENRY_SCOPES_FILE",
            metavar="FILE",
            show_default="what the service at --verifier says",
            help="Where to see whether there are these scopes and resources.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="the main one", help="Another file of the recipe."),
    ] = None,
) -> None:
    """Print a tested configuration for a gateway that asks tokenry about each request."""
    if file is not None and file not in FILES[name]:
        raise typer.BadParameter(f"{name} has {', '.join(FILES[name])}", param_hint="--file")
    values = {
        **_write_verifier(name, verifier),
        **_write_address("UPSTREAM", _read(Address.parse_url, upstream, "--upstream", "http://127.0.0.1:8000")),
        **_write_address("LISTEN", _read(Address.parse, listen, "--listen", "127.0.0.1:8080 or [::1]:8080")),
        "POLICY": needed.write(),
    }
    _refuse_unknown(needed.scope or [], needed.resource or [], scopes_file, verifier)
    print(render(name, file or FILES[name][0], values), end="")


def _refuse_unknown(scopes: Sequence[str], resources: Sequence[str], scopes_file: Path | None, verifier: str) -> None:
    """Refuse what the catalogue lacks, saying what may be meant. Raises BadParameter."""
    if not scopes and not resources:
        return
    catalogue = find_catalogue(scopes_file, verifier=verifier)
    if catalogue is None:
        complain(f"{verifier} does not say which scopes there are: whether these are among them was not checked.")
    elif complaints := catalogue.complaints(scopes, resources):
        raise typer.BadParameter("; ".join(complaints), param_hint="--scope" if scopes else "--resource")


def render(name: Gateway, file: str, values: Mapping[str, str]) -> str:
    """Fill in a file of a recipe; every `__NAME__` in it must have a value."""
    recipe = files("tokenry").joinpath("deploy", name, file).read_text("utf-8")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], recipe)


def write_policy(
    scopes: Sequence[str],
    resources: Sequence[str],
    audience: str | None = None,
    origin: str | None = None,
    *,
    cost: int = 0,
) -> str:
    """Write a policy as the verification routes read it. Raises BadParameter for what can be no scope or resource."""
    for scope in scopes:
        _read(_require_scopes, scope, "--scope", "linodes:read_only")
    for resource in resources:
        if not is_resource(resource):
            raise typer.BadParameter(f"use one such as linodes, not {resource!r}", param_hint="--resource")
    asked = [*(("scope", scope) for scope in scopes), *(("resource", name) for name in resources)]
    if audience is not None:
        if not is_audience(audience):
            reason = f"use one such as https://mcp.example/, not {audience!r}"
            raise typer.BadParameter(reason, param_hint="--audience")
        asked.append(("audience", audience))
    if origin is not None:
        asked.append(("origin", _read(read_public_url, origin, "--origin", "https://api.example.com")))
    if cost:
        asked.append(("cost", str(cost)))
    return urlencode(asked, safe=":*,@")


def _require_scopes(text: str) -> None:
    if Scopes.parse(text) == NOTHING:
        raise ValueError(text)


def _read(parse: Callable[[str], T], text: str, option: str, example: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"use one such as {example}, not {text!r}", param_hint=option) from error


def _write_verifier(gateway: Gateway, text: str) -> dict[str, str]:
    """Where to ask. What can be either is written as each gateway writes it. Raises BadParameter."""
    example = "http://127.0.0.1:8470 or unix:/run/tokenry/tokenry.sock"
    if not text.startswith("unix:"):
        address = _read(Address.parse_url, text, "--verifier", example)
        endpoint = f'{{socket_address: {{address: "{address.host}", port_value: {address.port}}}}}'
        return {
            "VERIFIER": str(address),
            "VERIFIER_TYPE": "STRICT_DNS",
            "VERIFIER_ADDRESS": endpoint,
            "VERIFIER_DST": "nil",
        }
    path = _read(Socket.parse, text, "--verifier", example).path
    if gateway is Gateway.TRAEFIK:
        raise typer.BadParameter(
            f"{gateway} cannot ask by a unix socket: use tokenry's port, as in http://127.0.0.1:8470",
            param_hint="--verifier",
        )
    spelling = {Gateway.NGINX: text, Gateway.CADDY: f"unix/{path}"}.get(gateway, "localhost")
    endpoint = f'{{pipe: {{path: "{path}"}}}}'
    return {
        "VERIFIER": spelling,
        "VERIFIER_TYPE": "STATIC",
        "VERIFIER_ADDRESS": endpoint,
        "VERIFIER_DST": f'"unix@{path}"',
    }


def _write_address(name: str, address: Address) -> dict[str, str]:
    return {name: str(address), f"{name}_HOST": address.host, f"{name}_PORT": str(address.port)}


app = alone(gateway)

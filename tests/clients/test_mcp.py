"""The unmodified MCP clients of PyPI and npm find out, register, sign in, and call tools of examples/mcp_server.py."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import TextContent
from pydantic import AnyUrl

from tests.clients.parts import Person, read_query
from tests.node import Node, need_modules
from tests.oauth_making import add_client, give
from tests.servers import STOP_SECONDS_MAX, Server, environment, free_port, is_open, wait_until
from tokenry.settings import Settings
from tokenry.wiring import open_installation

EXAMPLES = Path(__file__).parents[2] / "examples"
START_SECONDS_MAX = 30
CALLBACK = "http://127.0.0.1/callback"
READS, WRITES = "linodes:read_only", "linodes:read_write"


@pytest.fixture(scope="module")
def address(oauth_service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the MCP server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log_file = tmp_path_factory.mktemp("mcp") / "log"
    command = [sys.executable, "-m", "uvicorn", "mcp_server:app", "--port", str(port)]
    with log_file.open("w") as log:
        variables = environment(VERIFIER=oauth_service.url, ADDRESS=url)
        process = subprocess.Popen(command, cwd=EXAMPLES, env=variables, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or is_open(port), START_SECONDS_MAX, "the server did not start")
        assert process.poll() is None, log_file.read_text()
        yield f"{url}/mcp"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS_MAX)


@dataclass
class Kept:
    """What a program that uses the client keeps, in memory."""

    person: Person
    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    """The queries of the authorization requests, in order."""
    sent_back: dict[str, str] = field(default_factory=dict)
    given: list[OAuthToken] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens
        self.given.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def open_browser(self, url: str) -> None:
        """Have the user agree."""
        self.asked.append(read_query(url))
        self.sent_back = read_query(await asyncio.to_thread(self.person.agree, url))

    async def wait_for_browser(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(**self.sent_back)


def call_tools(address: str, kept: Kept, *calls: tuple[str, dict[str, Any]], expiring: bool = False) -> list[str]:
    """Call tools one after the other, for each of which the token may have expired; what they said."""

    async def call() -> list[str]:
        provider = OAuthClientProvider(
            address,
            OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="MCP program"),
            kept,
            kept.open_browser,
            kept.wait_for_browser,
        )
        async with (
            httpx2.AsyncClient(auth=provider, timeout=30) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            answers = []
            for name, arguments in calls:
                if expiring:
                    provider.context.token_expiry_time = 1.0  # long ago
                answers.append(await client.call_tool(name, arguments))
        return [content.text for answer in answers for content in answer.content if isinstance(content, TextContent)]

    return asyncio.run(call())


def test_program_finds_out_registers_signs_in_and_steps_up(address: str, person: Person) -> None:
    kept = Kept(person)
    said = call_tools(address, kept, ("list_servers", {}), ("reboot", {"name": "web-1"}), ("list_servers", {}))
    assert said == ["web-1 of admin", "web-1 reboots", "web-1 of admin"]
    assert [asked["scope"] for asked in kept.asked] == [READS, f"{READS} {WRITES}"]
    assert {asked["resource"] for asked in kept.asked} == {address}
    assert kept.client is not None
    assert kept.client.client_name == "MCP program"
    assert kept.tokens is not None
    assert kept.tokens.scope == WRITES  # which covers the other


def test_program_that_follows_the_services_own_document_calls_its_api(oauth_service: Server, person: Person) -> None:
    """The scope that it asks for is all: the API does not say which it needs before a token is there."""
    kept = Kept(person)

    async def get_profile() -> httpx2.Response:
        provider = OAuthClientProvider(
            f"{oauth_service.url}/v4/profile",
            OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="API program"),
            kept,
            kept.open_browser,
            kept.wait_for_browser,
        )
        async with httpx2.AsyncClient(auth=provider, timeout=30) as http:
            return await http.get(f"{oauth_service.url}/v4/profile")

    answer = asyncio.run(get_profile())
    assert (answer.status_code, answer.json()["username"]) == (200, "admin")
    assert [asked["resource"].rstrip("/") for asked in kept.asked] == [oauth_service.url]


def test_program_whose_token_expires_refreshes_it_without_its_user(address: str, person: Person) -> None:
    kept = Kept(person)
    said = call_tools(address, kept, ("list_servers", {}), ("list_servers", {}), expiring=True)
    assert said == ["web-1 of admin", "web-1 of admin"]
    assert len(kept.asked) == 1
    assert len(kept.given) == len({tokens.refresh_token for tokens in kept.given}) == 1 + 2


@pytest.fixture(scope="module")
def post(oauth_service: Server, address: str) -> Any:
    """A function that sends a message with a token of these scopes for somebody; the answer."""
    do = open_installation(Settings(data_dir=oauth_service.data_dir))
    client = add_client(do.database)

    def send(message: object, audience: str, scopes: str) -> httpx2.Response:
        issued = give(do.transactions, do.peppers, client, audience=(audience,), scopes=scopes)
        headers = {
            "Authorization": f"Bearer {issued.access.reveal()}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
        }
        content = message if isinstance(message, bytes) else json.dumps(message)
        return httpx2.post(address, headers=headers, content=content)

    yield send
    do.database.close()


def call(name: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {}}}


def test_token_for_another_server_opens_nothing(post: Any, address: str) -> None:
    assert post(call("list_servers"), address, WRITES).status_code == 200
    refused = post(call("list_servers"), f"{address}/other", WRITES)
    assert refused.status_code == 401
    assert f'scope="{READS}", resource_metadata="' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "message",
    [call("reboot"), [call("list_servers")], call(None), {"method": "tools/call"}, b"{", b"[" * 100_000],
    ids=["a tool that changes", "several", "no name", "no tool", "no JSON", "too deep"],
)
def test_what_may_change_something_takes_the_wider_scope(post: Any, address: str, message: object) -> None:
    refused = post(message, address, READS)
    assert refused.status_code == 403
    assert f'error="insufficient_scope", scope="{WRITES}"' in refused.headers["WWW-Authenticate"]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    need_modules()
    node = Node("mcp.js")
    yield node
    node.stop()


def call_tool(node: Node, person: Person, address: str, tool: str, **given: str) -> tuple[str, list[str]]:
    """Call a tool from Node; what it said, and which scopes the user was asked for before."""
    asked = []
    became = node.call(step="call", url=address, name=tool, arguments=given)
    while "open" in became:
        query = read_query(became["open"])
        assert query["resource"] == address
        asked.append(query["scope"])
        node.call(step="finish", code=read_query(person.agree(became["open"]))["code"])
        became = node.call(step="call", url=address, name=tool, arguments=given)
    return became["said"], asked


def test_program_in_node_finds_out_registers_signs_in_and_steps_up(node: Node, address: str, person: Person) -> None:
    """It has no refresh token: with one, that package (1.32) refreshes where a scope is missing, and then gives up."""
    node.call(step="begin", grant_types=["authorization_code"])
    assert call_tool(node, person, address, "list_servers") == ("web-1 of admin", [READS])
    assert call_tool(node, person, address, "reboot", name="web-1") == ("web-1 reboots", [WRITES])
    assert call_tool(node, person, address, "list_servers") == ("web-1 of admin", [])


def test_program_in_node_refreshes_its_token_without_its_user(node: Node, address: str, person: Person) -> None:
    node.call(step="begin", grant_types=["authorization_code", "refresh_token"])
    assert call_tool(node, person, address, "list_servers") == ("web-1 of admin", [READS])
    node.call(step="lose")
    assert call_tool(node, person, address, "list_servers") == ("web-1 of admin", [])

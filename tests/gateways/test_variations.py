"""What docs/gateways.md says can be changed in a recipe."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gateways.parts import IDENTITY, ask, bearer
from tests.gateways.programs import Running, refused, running
from tests.issuing import NewToken, management, token_maker
from tests.oauth_making import add_client, give
from tests.servers import Server, serving
from tokenry.operator.gateway import FILES, Gateway
from tokenry.settings import Settings
from tokenry.wiring import open_installation

LOCATION = "location /volumes/ { auth_request /_tokenry/resource=volumes; proxy_pass http://behind_tokenry; }\n    "


def another_policy_in_nginx(recipe: str) -> str:
    return recipe.replace("location / {", LOCATION + "location / {")


def another_policy_in_haproxy(recipe: str) -> str:
    def both(line: re.Match[str]) -> str:
        other = line[0].replace("resource=linodes", "resource=volumes")
        return f"{line[0]} unless {{ path_beg /volumes/ }}\n{other} if {{ path_beg /volumes/ }}"

    return re.sub("^ *http-request lua.tokenry .*$", both, recipe, flags=re.MULTILINE)


CHANGES = {Gateway.NGINX: another_policy_in_nginx, Gateway.HAPROXY: another_policy_in_haproxy}


@pytest.mark.parametrize("name", CHANGES)
def test_a_path_may_need_something_else(
    service: Server, tmp_path: Path, new_token: NewToken, reading_token: str, name: Gateway
) -> None:
    other = new_token(scopes="volumes:read_only")
    with running(name, tmp_path / "gateway", service.port, "--resource", "linodes", change=CHANGES[name]) as gateway:
        assert ask(gateway.port, "GET", "/a", bearer(reading_token)).status == 200
        assert refused(gateway, bearer(reading_token), "GET", "/volumes/a").status == 403
        assert refused(gateway, bearer(other), "GET", "/a").status == 403
        assert ask(gateway.port, "GET", "/volumes/a", [*bearer(other), ("X-Auth-User", "forged")]).status == 200
    assert gateway.service.last.values("X-Auth-User") == ["admin"]
    assert gateway.service.last.values("Authorization") == []


def with_the_token(recipe: str) -> str:
    """Take out the line that is marked."""
    recipe = recipe.replace('proxy_set_header Authorization "";', "proxy_set_header Authorization $http_authorization;")
    recipe = recipe.replace(", without-token", "")
    return re.sub(
        "^.*(del-header authorization|-Authorization|request_headers_to_remove).*$", "", recipe, flags=re.MULTILINE
    )


@pytest.mark.parametrize("name", list(Gateway))
def test_service_may_get_the_token_that_was_judged(
    service: Server, tmp_path: Path, reading_token: str, name: Gateway
) -> None:
    with running(name, tmp_path / "gateway", service.port, change=with_the_token) as gateway:
        assert ask(gateway.port, headers=bearer(reading_token)).status == 200
    assert gateway.service.last.values("Authorization") == [f"Bearer {reading_token}"]


def before(place: str, text: str) -> Callable[[str], str]:
    return lambda recipe: recipe.replace(place, f"{text}{place}")


def preflights_in_haproxy(recipe: str) -> str:
    recipe = re.sub("^ *http-request lua.tokenry .*$", r"\g<0> unless METH_OPTIONS", recipe, flags=re.MULTILINE)
    return recipe.replace(
        "unless { var(txn.tokenry) -m str yes }", "unless METH_OPTIONS or { var(txn.tokenry) -m str yes }"
    )


def preflights_in_caddy(recipe: str) -> str:
    return recipe.replace("forward_auth ", "@asked not method OPTIONS\n\t\tforward_auth @asked ")


NGINX_PREFLIGHTS = """error_page 418 = @preflight;
    if ($request_method = OPTIONS) { return 418; }
    location @preflight { auth_request off; proxy_pass http://behind_tokenry; }
    """
ENVOY_PREFLIGHTS = """- match: {prefix: "/", headers: [{name: ":method", string_match: {exact: OPTIONS}}]}
                          route: {cluster: service, timeout: 60s}
                          typed_per_filter_config:
                            envoy.filters.http.ext_authz:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              disabled: true
                        """
TRAEFIK_PREFLIGHTS = """    preflights:
      entryPoints: [api]
      rule: PathPrefix(`/`) && Method(`OPTIONS`)
      middlewares: [nobody, without-token]
      service: service

  middlewares:
    nobody:
      headers:
        customRequestHeaders:
          {X-Auth-User: "", X-Auth-User-Id: "", X-Auth-Account-Id: "",
           X-Auth-Token-Id: "", X-Auth-Scopes: "", X-Auth-Expires: "",
           X-Auth-Client-Id: "", X-Auth-External-Id: "", X-Auth-Metadata: ""}
"""
PREFLIGHTS: dict[Gateway, Callable[[str], str]] = {
    Gateway.NGINX: before("location / {", NGINX_PREFLIGHTS),
    Gateway.HAPROXY: preflights_in_haproxy,
    Gateway.CADDY: preflights_in_caddy,
    Gateway.ENVOY: before('- match: {prefix: "/"}', ENVOY_PREFLIGHTS),
    Gateway.TRAEFIK: lambda recipe: recipe.replace("\n  middlewares:\n", f"\n{TRAEFIK_PREFLIGHTS}", 1),
}
ROOT = Path(__file__).parents[2]
PREFLIGHT = [("Origin", "https://example.org"), ("Access-Control-Request-Method", "DELETE")]


@pytest.mark.parametrize("name", list(Gateway))
def test_preflights_may_pass_without_a_token_and_nothing_else(
    service: Server, tmp_path: Path, reading_token: str, name: Gateway
) -> None:
    policy = ("--resource", "linodes")
    with running(name, tmp_path / "gateway", service.port, *policy, change=PREFLIGHTS[name]) as gateway:
        forged = [(header, "forged") for header in IDENTITY]
        assert ask(gateway.port, "OPTIONS", "/a", [*PREFLIGHT, *forged]).status == 200
        preflight = gateway.service.last
        for method in ("GET", "HEAD", "DELETE"):
            assert refused(gateway, PREFLIGHT, method).status == 401
        assert refused(gateway, bearer(reading_token), "DELETE").status == 403
        assert ask(gateway.port, "GET", "/a", [*bearer(reading_token), *forged]).status == 200
    assert (preflight.method, preflight.values("Access-Control-Request-Method")) == ("OPTIONS", ["DELETE"])
    assert [value for header in IDENTITY for value in preflight.values(header)] == []
    assert gateway.service.last.values("X-Auth-User") == ["admin"]


@pytest.mark.parametrize("name", list(Gateway))
def test_page_says_how_preflights_pass(name: Gateway) -> None:
    """What the change adds to a recipe, line by line."""
    page = (ROOT / "docs" / "gateways.md").read_text("utf-8")
    recipe = (ROOT / "deploy" / name / FILES[name][0]).read_text("utf-8")
    had = {line.strip() for line in recipe.splitlines()}
    added = [line.strip() for line in PREFLIGHTS[name](recipe).splitlines() if line.strip() not in had]
    assert added
    missing = [line for line in added if re.sub(r"(http://)?__\w+__.*?(?= unless|$)", "…", line) not in page]
    assert missing == []


@pytest.mark.parametrize("name", list(Gateway))
def test_token_that_is_meant_for_a_service_passes_its_own_gateway_alone(
    service: Server, tmp_path: Path, name: Gateway, running_gateway: Callable[[Gateway], Running]
) -> None:
    """And the service is told of the client, whatever a request says of it."""
    installation = open_installation(Settings(data_dir=service.data_dir))
    client = add_client(installation.database)
    issued = give(installation.transactions, installation.peppers, client, audience=("https://mcp.example/a?b",))
    token = bearer(issued.access.reveal())
    installation.database.close()
    asked = ("--resource", "linodes", "--audience", "https://mcp.example/a?b")
    with running(name, tmp_path / "gateway", service.port, *asked) as gateway:
        assert ask(gateway.port, headers=[*token, ("X-Auth-Client-Id", "forged")]).status == 200
        assert gateway.service.last.values("X-Auth-Client-Id") == [client.client_id]
        assert refused(gateway, token, "POST").status == 403
    assert refused(running_gateway(name), token).status == 401


INSTANCE = """location /teams/ { return 404; }
    location ~ ^/teams/(?<team>[0-9A-Za-z][0-9A-Za-z._-]*)/ {
        auth_request /_tokenry_team;
        proxy_pass http://behind_tokenry;
    }
    location = /_tokenry_team {
        internal;
        rewrite ^ /_tokenry/resource=messages@$team last;
    }
    """
OWN_SCOPES = """[messages]
instances = true
reads = "read"
writes = "send"
actions.read = {}
actions.send.implies = ["read"]
"""


def test_nginx_takes_the_instance_from_the_path(tmp_path: Path) -> None:
    shown = (ROOT / "docs/gateways.md").read_text("utf-8")
    assert all(line.strip() in shown for line in INSTANCE.splitlines()[1:] if line.strip())
    (tmp_path / "scopes.toml").write_text(OWN_SCOPES, "utf-8")
    change = before("location / {", INSTANCE)
    with serving(tmp_path / "data", "--scopes-file", str(tmp_path / "scopes.toml")) as service:
        with management(service) as api:
            make = token_maker(api)
            of_team, of_all = make(scopes="messages:read@team-7"), make(scopes="messages:send")
        folder, needed = tmp_path / "gateway", ("--scope", "messages:send")
        with running(Gateway.NGINX, folder, service.port, *needed, change=change) as gateway:
            expected = {
                "/teams/team-7/a": 200,
                "/teams/team%2D7/a": 200,
                "/teams/team-8/a": 403,
                "/teams/team-7/../team-8/a": 403,
                "/teams/team-7&resource=account/a": 404,
                "/teams/team-7%26scope=account:read_only/a": 404,
                "/teams/team-7%0d%0aX:y/a": 404,
                "/teams/%20/a": 404,
                "/teams//a": 404,
                "/_tokenry_team": 404,
                "/a": 403,
            }
            for path, status in expected.items():
                assert ask(gateway.port, "GET", path, bearer(of_team)).status == status, path
            assert ask(gateway.port, "POST", "/teams/team-7/a", bearer(of_team)).status == 403
            assert ask(gateway.port, "POST", "/teams/team-8/a", bearer(of_all)).status == 200
            assert gateway.service.last.values("X-Auth-Scopes") == ["messages:read messages:send"]
            assert ask(gateway.port, "GET", "/teams/team-7/a", []).status == 401

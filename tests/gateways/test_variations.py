"""What docs/gateways.md says can be changed in a recipe."""

import re
from pathlib import Path

import pytest

from tests.gateways.parts import ask
from tests.gateways.programs import running
from tests.gateways.test_conformance import bearer, refused
from tests.issuing import NewToken
from tests.servers import Server
from tokenry.operator.gateway import Gateway

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
    verifier: Server, tmp_path: Path, new_token: NewToken, reading_token: str, name: Gateway
) -> None:
    other = new_token(scopes="volumes:read_only")
    with running(name, tmp_path / "gateway", verifier.port, "--resource", "linodes", change=CHANGES[name]) as gateway:
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
    verifier: Server, tmp_path: Path, reading_token: str, name: Gateway
) -> None:
    with running(name, tmp_path / "gateway", verifier.port, change=with_the_token) as gateway:
        assert ask(gateway.port, headers=bearer(reading_token)).status == 200
    assert gateway.service.last.values("Authorization") == [f"Bearer {reading_token}"]

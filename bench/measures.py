"""What is measured. A further measure is a further line in MEASURES."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchmarkError
from bench.servers import STATIC_HEADERS, Answer, Server
from bench.stock import TOKENS_PER_USER, Known

SMALL = 1_000
LARGE = 1_000_000
TARGET = 0.15
"""Requests in a second, as a share of nginx's, that an ordinary GET /verify is to reach at every size."""
_CHECKED = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of request. `{id}` in its path is the id of the token that asks."""

    name: str
    method: str
    path: str
    sizes: tuple[int, ...]
    is_right: Callable[[Answer, Known], bool]
    body: str = ""
    target: float | None = None

    def path_for(self, token: Known) -> str:
        """The path as this token asks for it."""
        return self.path.format(id=token.token_id)

    def check(self, server: Server, known: tuple[Known, ...]) -> None:
        """Ask a few times and read the answers. Raises BenchmarkError if one is wrong."""
        for token in known[:_CHECKED]:
            answer = server.ask(self.method, self.path_for(token), token.secret, self.body)
            if answer.status != 200 or not self.is_right(answer, token):
                raise BenchmarkError(f"{self.name}: a wrong answer, status {answer.status}: {dict(answer.headers)}")
        wrong = known[0].secret[:-1] + ("a" if known[0].secret[-1] != "a" else "b")
        for secret in (None, wrong):
            status = server.ask(self.method, self.path_for(known[0]), secret, self.body).status
            if status != 401:
                raise BenchmarkError(f"{self.name}: {status} instead of 401 without a valid token")


def check_static(static: Server, server: Server, token: Known) -> None:
    """See that nginx answers with the headers that /verify answers with. Raises BenchmarkError."""
    answer = static.ask("GET", "/verify", token.secret)
    missing = set(server.ask("GET", "/verify", token.secret).headers) - set(answer.headers)
    if answer.status != 200 or answer.body or missing:
        raise BenchmarkError(f"nginx answers {answer.status} with {len(answer.body)} bytes, without {missing}")


def _is_identity(answer: Answer, token: Known) -> bool:
    named = all(name.lower() in answer.headers for name in STATIC_HEADERS)
    identity = (answer.headers.get("x-auth-token-id"), answer.headers.get("x-auth-user"))
    return named and identity == (str(token.token_id), token.username)


def _is_full_page(answer: Answer, token: Known) -> bool:
    page: Any = json.loads(answer.body)
    return len(page["data"]) == TOKENS_PER_USER and page["results"] >= TOKENS_PER_USER


def _is_token(answer: Answer, token: Known) -> bool:
    body: Any = json.loads(answer.body)
    return body["id"] == token.token_id and token.secret.startswith(body["token"])


def _is_new_token(answer: Answer, token: Known) -> bool:
    body: Any = json.loads(answer.body)
    return body["id"] > token.token_id and len(body["token"]) == len(token.secret)


# Creating comes last: it leaves more tokens than a measure after it would be said to have.
MEASURES = (
    Measure("verify", "GET", "/verify", (SMALL, LARGE), _is_identity, target=TARGET),
    Measure("get", "GET", "/v4/profile/tokens/{id}", (LARGE,), _is_token),
    Measure("list", "GET", f"/v4/profile/tokens?page_size={TOKENS_PER_USER}", (LARGE,), _is_full_page),
    Measure(
        "create",
        "POST",
        "/v4/profile/tokens",
        (LARGE,),
        _is_new_token,
        body='{"label": "benchmark", "scopes": "account:read_only", "expiry": "2037-01-01T00:00:00"}',
    ),
)

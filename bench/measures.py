"""What is measured. A further measure is a further line in MEASURES."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchmarkError
from bench.questions import QUESTIONS, Question
from bench.servers import STATIC_HEADERS, Answer, Server
from bench.stock import LIMIT, TOKENS_PER_USER, Known
from tokenry.domain.secrets import Secret

SMALL = 1_000
LARGE = 1_000_000
HUGE = 10_000_000
_CHECKED = 5


@dataclass(frozen=True, slots=True)
class Targets:
    """What is to be reached of nginx, in requests and by processor time, and how many times its p99 is allowed."""

    requests: float | None = None
    cpu: float | None = None
    p99: float | None = None


def no_headers(_: random.Random) -> Mapping[str, str]:
    """No headers beside Host and Authorization."""
    return {}


def secret_of(token: Known, _: random.Random) -> str:
    """What a client presents that has the token."""
    return token.secret


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of request. `{id}` in its path is the id of the token that asks.

    `present` and `headers` say what each request carries; `status` is what tokenry is to answer it with.
    """

    name: str
    method: str
    path: str
    sizes: tuple[int, ...]
    is_right: Callable[[Answer, Known], bool]
    body: str = ""
    targets: Targets = Targets()
    status: int = 200
    present: Callable[[Known, random.Random], str] = secret_of
    headers: Callable[[random.Random], Mapping[str, str]] = no_headers
    methods: tuple[str, ...] = ()
    """If any, each request has one of these instead of `method`."""
    what: str = ""

    @property
    def title(self) -> str:
        """The request in words."""
        return f"{self.method} {self.path}{self.what}"

    def path_for(self, token: Known) -> str:
        """The path as this token asks for it."""
        return self.path.format(id=token.token_id)

    def check(self, server: Server, known: tuple[Known, ...]) -> None:
        """Ask a few times and read the answers. Raises BenchmarkError if one is wrong."""
        chance = random.Random(2)
        for token in known[:_CHECKED]:
            secret, headers = self.present(token, chance), self.headers(chance)
            method = chance.choice(self.methods or (self.method,))
            answer = server.ask(method, self.path_for(token), secret, self.body, headers)
            if answer.status != self.status or not self.is_right(answer, token):
                raise BenchmarkError(f"{self.name}: a wrong answer, status {answer.status}: {dict(answer.headers)}")
        wrong = known[0].secret[:-1] + ("a" if known[0].secret[-1] != "a" else "b")
        for refused in (None, wrong):
            headers = self.headers(chance)
            status = server.ask(self.method, self.path_for(known[0]), refused, self.body, headers).status
            if status != 401:
                raise BenchmarkError(f"{self.name}: {status} instead of 401 without a valid token")


def check_static(static: Server, server: Server, token: Known) -> None:
    """See that nginx answers with the headers that /verify answers with. Raises BenchmarkError."""
    answer = static.ask("GET", "/verify", token.secret)
    told = server.ask("GET", "/verify", token.secret).headers.items()
    missing = {name for name, value in told if value} - set(answer.headers)  # nginx sends no empty ones
    if answer.status != 200 or answer.body or missing:
        raise BenchmarkError(f"nginx answers {answer.status} with {len(answer.body)} bytes, without {missing}")


def _is_identity(answer: Answer, token: Known) -> bool:
    named = all(name.lower() in answer.headers for name in STATIC_HEADERS)
    identity = (answer.headers.get("x-auth-token-id"), answer.headers.get("x-auth-user"))
    return named and identity == (str(token.token_id), token.username)


def _is_counted(answer: Answer, token: Known) -> bool:
    return _is_identity(answer, token) and answer.headers.get("x-ratelimit-limit") == str(LIMIT)


def _is_full_page(answer: Answer, token: Known) -> bool:
    page: Any = json.loads(answer.body)
    return len(page["data"]) == TOKENS_PER_USER and page["results"] >= TOKENS_PER_USER


def _is_token(answer: Answer, token: Known) -> bool:
    body: Any = json.loads(answer.body)
    return body["id"] == token.token_id and token.secret.startswith(body["token"])


def _is_new_token(answer: Answer, token: Known) -> bool:
    body: Any = json.loads(answer.body)
    return body["id"] > token.token_id and len(body["token"]) == len(token.secret)


def _is_refusal(answer: Answer, token: Known) -> bool:
    return "invalid_token" in answer.headers.get("www-authenticate", "")


def _is_too_little(answer: Answer, token: Known) -> bool:
    return "insufficient_scope" in answer.headers.get("www-authenticate", "")


def _unknown(_: Known, chance: random.Random) -> str:
    """A token as anybody can make one up: the checksum is right."""
    return Secret.generate(chance.randbytes).reveal()


def _garbage(_: Known, chance: random.Random) -> str:
    """A token with a wrong checksum."""
    text = Secret.generate(chance.randbytes).reveal()
    return text[:-1] + ("a" if text[-1] != "a" else "b")


def _eight_headers(chance: random.Random) -> Mapping[str, str]:
    """Eight headers such as a gateway may add, other ones with each request."""
    number, address = chance.getrandbits(32), f"203.0.113.{chance.randrange(256)}"
    return {
        "X-Original-URI": f"/v1/things/{number}?page={number % 97}",
        "X-Original-Method": chance.choice(("GET", "POST", "PUT")),
        "X-Forwarded-For": address,
        "X-Real-IP": address,
        "X-Forwarded-Proto": chance.choice(("http", "https")),
        "X-Forwarded-Host": f"api{number % 10}.example.org",
        "X-Request-Id": f"{chance.getrandbits(128):032x}",
        "User-Agent": f"client/{number % 1000}",
    }


def _as_asked(question: Question) -> tuple[Measure, ...]:
    """A gateway's question for what every known token may, for what none may, and with tokens that nobody made."""
    # wrk waits for the body that a refusal of a HEAD tells the length of.
    of_refused = tuple("GET" if method == "HEAD" else method for method in question.methods)

    def measure(name: str, policy: str, targets: Targets, what: str, status: int = 200, **how: Any) -> Measure:
        methods = question.methods if status == 200 else of_refused
        return Measure(
            name,
            methods[0],
            question.path.format(policy=policy),
            (LARGE,),
            targets=targets,
            headers=question.headers,
            methods=methods,
            status=status,
            what=f", as {question.gateway} asks{what}",
            **how,
        )

    name = question.gateway
    return (
        measure(name, "resource=account", Targets(requests=0.75, cpu=0.70), "", is_right=_is_identity),
        measure(
            f"{name}-refused",
            "resource=databases",
            Targets(requests=0.60),
            ", without the scope",
            is_right=_is_too_little,
            status=403,
        ),
        measure(
            f"{name}-unknown",
            "resource=account",
            Targets(requests=0.45),
            ", unknown tokens",
            is_right=_is_refusal,
            status=401,
            present=_unknown,
        ),
    )


VERIFY = Measure(
    "verify", "GET", "/verify", (SMALL, LARGE, HUGE), _is_identity, targets=Targets(requests=0.90, cpu=0.80, p99=3)
)
CREATE = Measure(
    "create",
    "POST",
    "/v4/profile/tokens",
    (LARGE,),
    _is_new_token,
    body='{"label": "benchmark", "scopes": "account:read_only", "expiry": "2037-01-01T00:00:00"}',
)
COUNTED = Measure(
    "cost",
    "GET",
    "/verify?cost=1",
    (SMALL, LARGE),
    _is_counted,
    targets=Targets(requests=0.85, cpu=0.76),  # 95 in a hundred of what it is for a question that counts nothing
    what=", counted against a limit",
)
# Creating comes last: it leaves more tokens than a measure after it would be said to have.
MEASURES = (
    VERIFY,
    COUNTED,
    *(measure for question in QUESTIONS for measure in _as_asked(question)),
    Measure(
        "headers",
        "GET",
        "/verify",
        (LARGE,),
        _is_identity,
        targets=Targets(requests=0.85),
        headers=_eight_headers,
        what=", eight headers that vary",
    ),
    Measure(
        "unknown",
        "GET",
        "/verify",
        (LARGE,),
        _is_refusal,
        targets=Targets(requests=0.45),
        status=401,
        present=_unknown,
        what=", unknown tokens",
    ),
    Measure(
        "garbage",
        "GET",
        "/verify",
        (LARGE,),
        _is_refusal,
        targets=Targets(requests=0.80),
        status=401,
        present=_garbage,
        what=", wrong checksums",
    ),
    Measure(
        "ordinary",
        "POST",
        "/verify",
        (SMALL, LARGE),
        _is_identity,
        targets=Targets(requests=0.35),
        what=", by the ordinary route",
    ),
    Measure("get", "GET", "/v4/profile/tokens/{id}", (LARGE,), _is_token),
    Measure("list", "GET", f"/v4/profile/tokens?page_size={TOKENS_PER_USER}", (LARGE,), _is_full_page),
    CREATE,
)

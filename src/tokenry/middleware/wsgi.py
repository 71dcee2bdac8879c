"""In front of a WSGI application: nothing reaches it without a valid token."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tokenry.domain.identity import Identity
from tokenry.middleware.answers import Answer, Refused, Reply
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import (
    ANY_TOKEN,
    Needs,
    Question,
    Verifier,
    is_identity_header,
    require_counting,
    write_target,
)
from tokenry.middleware.users import UserOf, find_user, is_async

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

Environ = dict[str, Any]

ENVIRON_KEY = "tokenry.identity"
USER_KEY = "tokenry.user"
_HEADER = "HTTP_"


class TokenMiddleware:
    """Lets requests through that have what they need, with the identity in `environ["tokenry.identity"]`.

    `needs` are those of all of them, or a function from an environ to its needs, which returns None for what is open to
    anybody; the identity is then None, as it is for who presents no token where that is optional. Whatever the sender
    says in X-Auth-* is taken out. With `metadata`, clients find out by themselves who gives out tokens for it.
    With `user_of`, which must not be async, `environ["tokenry.user"]` is the application's own user (see `UserOf`).
    """

    def __init__(
        self,
        app: "WSGIApplication",
        verifier: Verifier,
        needs: Needs | Callable[[Environ], Needs | None] = ANY_TOKEN,
        *,
        metadata: ResourceMetadata | None = None,
        user_of: UserOf | None = None,
    ) -> None:
        if user_of is not None and is_async(user_of):
            raise TypeError("WSGI has no event loop: give a user_of that is not async")
        require_counting(verifier, needs)
        self._app = app
        self._verifier = verifier
        self._needs = needs
        self._metadata = metadata
        if isinstance(needs, Needs):
            verifier.check(needs)
        self._user_of = user_of

    def __call__(self, environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        """Judge one request."""
        described = self._metadata
        if described is not None and described.answers(environ["REQUEST_METHOD"], read_path(environ)):
            return _reply(described.reply, environ, start_response)
        remove_identity_headers(environ)
        environ[ENVIRON_KEY] = None
        needs = self._needs if isinstance(self._needs, Needs) else self._needs(environ)
        if needs is not None:
            asked = ask(self._verifier, needs, environ, described, target=read_target(environ))
            answer, user = find_user(self._user_of, asked)
            if isinstance(answer, Refused):
                return _reply(answer, environ, start_response)
            environ[ENVIRON_KEY] = answer
            if user is not None:
                environ[USER_KEY] = user
        return self._app(environ, start_response)


def ask(
    verifier: Verifier, needs: Needs, environ: Environ, metadata: ResourceMetadata | None = None, *, target: str
) -> Answer | None:
    """Ask about a WSGI request for this target; None for who presents no token, and need not."""
    needs = needs if metadata is None else metadata.complete(needs)
    question = _read_question(needs, environ, target)
    if not isinstance(question, Question):
        return question
    answer = verifier.verify(question)
    return answer if metadata is None or isinstance(answer, Identity) else metadata.tell(answer, needs)


def read_path(environ: Environ) -> str:
    """The path of a request. WSGI gives its bytes as Latin-1 (PEP 3333)."""
    return f"{environ.get('SCRIPT_NAME', '')}{environ['PATH_INFO']}".encode("latin-1").decode("utf-8", "replace")


def read_target(environ: Environ) -> str:
    """The target of a request, as far as WSGI tells it."""
    return write_target(f"{environ.get('SCRIPT_NAME', '')}{environ['PATH_INFO']}".encode("latin-1"))


def _reply(reply: Reply, environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
    start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", reply.headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]


def _read_question(needs: Needs, environ: Environ, target: str) -> Question | Refused | None:
    """The question about a request. A server joins doubled headers by a comma, and that is no token, nor a proof."""
    authorization, proof = environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_DPOP")
    return Question.of(
        needs,
        method=environ["REQUEST_METHOD"],
        authorizations=[] if authorization is None else [authorization],
        address=environ.get("REMOTE_ADDR") or None,
        agent=environ.get("HTTP_USER_AGENT"),
        target=target,
        proofs=[] if proof is None else [proof],
    )


def remove_identity_headers(environ: Environ) -> None:
    """Take out what the sender says about who is calling."""
    for name in [name for name in environ if name.startswith(_HEADER) and is_identity_header(name[len(_HEADER) :])]:
        del environ[name]

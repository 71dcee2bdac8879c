"""In front of a WSGI application: nothing reaches it without a valid token."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tokenry.middleware.answers import Refused
from tokenry.middleware.questions import ANY_TOKEN, Needs, Question, Verifier, is_identity_header

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

Environ = dict[str, Any]

ENVIRON_KEY = "tokenry.identity"
_HEADER = "HTTP_"


class TokenMiddleware:
    """Lets requests through that have what they need, with the identity in `environ["tokenry.identity"]`.

    `needs` are those of all of them, or a function from an environ to its needs, which returns None for what is
    open to anybody; the identity is then None. Whatever the sender says in X-Auth-* is taken out.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        verifier: Verifier,
        needs: Needs | Callable[[Environ], Needs | None] = ANY_TOKEN,
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._needs = needs

    def __call__(self, environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        """Judge one request."""
        remove_identity_headers(environ)
        environ[ENVIRON_KEY] = None
        needs = self._needs if isinstance(self._needs, Needs) else self._needs(environ)
        if needs is not None:
            question = read_question(needs, environ)
            answer = question if isinstance(question, Refused) else self._verifier.verify(question)
            if isinstance(answer, Refused):
                start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
                return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
            environ[ENVIRON_KEY] = answer
        return self._app(environ, start_response)


def read_question(needs: Needs, environ: Environ) -> Question | Refused:
    """The question about a WSGI request. A server joins doubled headers by a comma, and that is no token."""
    authorization = environ.get("HTTP_AUTHORIZATION")
    return Question.of(
        needs,
        method=environ["REQUEST_METHOD"],
        authorizations=[] if authorization is None else [authorization],
        address=environ.get("REMOTE_ADDR") or None,
        agent=environ.get("HTTP_USER_AGENT"),
    )


def remove_identity_headers(environ: Environ) -> None:
    """Take out what the sender says about who is calling."""
    for name in [name for name in environ if name.startswith(_HEADER) and is_identity_header(name[len(_HEADER) :])]:
        del environ[name]

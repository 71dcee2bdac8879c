"""What OAuth clients find out by themselves about an application (RFC 9728): its name, and who gives out its tokens."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from tokenry.domain.audiences import is_audience
from tokenry.domain.public_url import read_public_url
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.middleware.answers import Refused, Reply
from tokenry.middleware.questions import Needs

PATH = "/.well-known/oauth-protected-resource"
NEEDS_MAX = 256


class ResourceMetadata:
    """The description of an application, for clients that know nothing but its address, such as those of MCP.

    `resource` is that address, for which clients ask for tokens (RFC 8707); `issuer` is the public address of the
    service that gives them out. `scopes` are those that may be needed; `name` is what people are told. Each refusal
    says where the description is, and what to ask for. What is needed is for this audience, unless it names another.

    Raises ValueError for what is no address or no scope.
    """

    __slots__ = ("path", "reply", "resource", "scopes", "url")

    def __init__(self, resource: str, *, issuer: str, scopes: Sequence[str] = (), name: str | None = None) -> None:
        place = urlsplit(resource)
        if not is_audience(resource) or place.scheme not in ("https", "http") or not place.netloc or place.query:
            raise ValueError(resource)
        for scope in scopes:
            if Scopes.parse(scope) == NOTHING:
                raise ValueError(scope)
        self.resource = resource if place.path else f"{resource}/"
        self.scopes = tuple(scopes)
        path = PATH if place.path in ("", "/") else f"{PATH}{place.path}"
        self.path = unquote(path)
        """Where it is asked for, decoded: the application's path comes last (RFC 9728 section 3.1)."""
        self.url = f"{place.scheme}://{place.netloc}{path}"
        """The same as an address."""
        described = {
            "resource": self.resource,
            "authorization_servers": [read_public_url(issuer)],
            "bearer_methods_supported": ["header"],
            **({"scopes_supported": list(scopes)} if scopes else {}),
            **({} if name is None else {"resource_name": name}),
        }
        self.reply = Reply(200, json.dumps(described).encode("ascii"))
        """The description, ready to be sent."""

    def answers(self, method: str, path: str) -> bool:
        """Whether a request is for the description, which is open to anybody."""
        return path == self.path and method in ("GET", "HEAD")

    def complete(self, needs: Needs) -> Needs:
        """What is needed, for this application."""
        return needs if needs.audience is not None else _for_audience(needs, self.resource)

    def tell(self, refused: Refused, needs: Needs) -> Refused:
        """A refusal that says where the description is (RFC 9728 section 5.1), and which scopes to ask for.

        Where the method decides on the scope, only the service can name it: it does where it was missing.
        """
        if refused.challenge is None:
            return refused
        wanted = self.scopes if needs.by_method else needs.scopes
        scope = f', scope="{" ".join(wanted)}"' if wanted and "scope=" not in refused.challenge else ""
        return replace(refused, challenge=f'{refused.challenge}{scope}, resource_metadata="{self.url}"')


@lru_cache(maxsize=NEEDS_MAX)
def _for_audience(needs: Needs, audience: str) -> Needs:
    """Make it once: an application has a handful."""
    return needs.but(audience=audience)

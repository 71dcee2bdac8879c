"""What tests of the console do: have tokens, and be signed in."""

import re
from datetime import timedelta

from tests.making import OPERATOR
from tests.pages.parts import Visitor
from tokenry.domain.sessions import Session
from tokenry.domain.tokens import NewToken, Token
from tokenry.service.installation import Installation
from tokenry.storage.uses import Use, record_uses


def make_token(do: Installation, label: str, scopes: str = "linodes:read_only", *, days: int = 365) -> Token:
    """A token of the administrator's."""
    expiry = do.transactions.now().replace(microsecond=0) + timedelta(days=days)
    return do.tokens.create_token_for(OPERATOR, "admin", NewToken(label=label, scopes=scopes, expiry=expiry))[0]


def use(do: Installation, token: Token, *, agent: str = "curl/8.5.0") -> None:
    """Let a token have been used just now."""
    seconds = int(do.transactions.now().timestamp())
    with do.transactions.change(OPERATOR) as change:
        record_uses(change.connection, [Use(token.id, token.preview, seconds, "192.0.2.7", agent)])


def session_of(do: Installation, visitor: Visitor) -> Session:
    """The session that somebody's browser has."""
    session = do.sessions.find_session(visitor.client.cookies["__Host-tokenry"])
    assert session is not None
    return session


def labels(page: str) -> list[str]:
    """Those of the tokens of a list, in its order."""
    return re.findall(r'<a href="/console/tokens/\d+">([^<]*)</a>', page)

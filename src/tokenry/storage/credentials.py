"""The one statement of the hot path: what a presented token opens, and who is behind it.

It is written once, in SQLAlchemy, and handed to the verification layer as the text and shape that a raw driver needs:
building it per request would cost more than running it.
"""

from typing import NamedTuple

from sqlalchemy import Boolean, Select, any_, bindparam, case, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import dialect as postgres_dialect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.types import String

from tokenry.domain.policy import UserKind
from tokenry.domain.secrets import API_PREFIXES, BOUND_PREFIXES, KINDS
from tokenry.storage.failures import UNFIT
from tokenry.storage.schema import LIMIT_COLUMNS, accounts, credentials, policy, tokens, users


class Credential(NamedTuple):
    """A row of `credentials` with its token, user and account; times are seconds since 1970."""

    preview: str
    digest: bytes
    pepper_generation: int
    expires_at: int
    token_id: int
    scopes: str
    user_id: int
    username: str
    disabled_at: int | None
    account_id: int
    account_euuid: str
    networks: str = ""
    admin: bool = False
    client_id: str | None = None
    audience: str = ""
    external_id: str | None = None
    not_before: int = 0
    rotates_itself_only: bool = False
    requests_per_minute: int = 0
    kind_limit: int = 0
    """The same for each token of a user of this kind."""
    user_metadata: str | None = None
    token_metadata: str | None = None
    watched: str | None = None
    """To which scopes the token is watched, whether it could be kept to them."""


# Asked for, not read: each column of the answer costs two per cent of a look-up, and a preview begins with the prefix
# that tells the kind. Who looks up a token that is bound to a key asks for the proof.
_OF_API = credentials.c.kind.in_(
    [literal_column(f"'{KINDS[prefix].name}'") for prefix in (*API_PREFIXES, *BOUND_PREFIXES)]
)
_LIMITS = {kind: policy.c[name] for kind, name in LIMIT_COLUMNS.items()}
# In the order of `UserKind.of`.
KIND_LIMIT = case(
    (users.c.proxy, _LIMITS[UserKind.PROXY]),
    (users.c.service, _LIMITS[UserKind.SERVICE]),
    (users.c.admin, _LIMITS[UserKind.ADMIN]),
    else_=_LIMITS[UserKind.USER],
)


def _select() -> Select[tuple[object, ...]]:
    statement = select(
        credentials.c.preview,
        credentials.c.digest,
        credentials.c.pepper_generation,
        credentials.c.expires_at,
        tokens.c.id.label("token_id"),
        tokens.c.scopes,
        users.c.id.label("user_id"),
        users.c.username,
        users.c.disabled_at,
        accounts.c.id.label("account_id"),
        accounts.c.euuid.label("account_euuid"),
        credentials.c.networks,
        users.c.admin,
        credentials.c.client_id,
        credentials.c.audience,
        users.c.external_id,
        credentials.c.not_before,
        tokens.c.rotates_itself_only,
        credentials.c.requests_per_minute,
        KIND_LIMIT.label("kind_limit"),
        users.c.metadata.label("user_metadata"),
        tokens.c.metadata.label("token_metadata"),
        tokens.c.watched,
    )
    joined = credentials.join(tokens).join(users, tokens.c.user_id == users.c.id).join(accounts)
    joined = joined.join(policy, policy.c.id == literal_column("1"))
    return statement.select_from(joined).where(_OF_API)


def sqlite_statement() -> str:
    """Find one credential: one `?` for its preview."""
    statement = _select().where(credentials.c.preview == bindparam("preview"))
    return str(statement.compile(dialect=sqlite_dialect()))


def sqlite_newest_statement() -> str:
    """Find the highest id of a token that has a credential, or NULL."""
    return str(select(func.max(credentials.c.token_id)).compile(dialect=sqlite_dialect()))


def sqlite_previews_statement() -> str:
    """All previews, in one text with spaces, of the tokens whose id is above the first `?` and not above the second.

    One row for many: what a row costs in Python would be most of the cost. NULL for none.
    """
    statement = select(func.group_concat(credentials.c.preview, literal_column("' '"))).where(
        credentials.c.token_id > bindparam("above"), credentials.c.token_id <= bindparam("last")
    )
    return str(statement.compile(dialect=sqlite_dialect()))


def postgres_statement() -> str:
    """Find many credentials at once: `$1` is an array of previews.

    The first column tells whether the server is one that must not be believed, in recovery or read-only. It is there in
    every answer: with NULLs behind it when nothing is found.
    """
    server = select(literal_column(UNFIT, Boolean).label("unfit")).subquery("server")
    wanted = bindparam("previews", type_=ARRAY(String))
    found = _select().where(credentials.c.preview == any_(wanted)).subquery("found")
    statement = select(server.c.unfit, *found.c).select_from(server.outerjoin(found, true()))
    return str(statement.compile(dialect=postgres_dialect(paramstyle="numeric_dollar")))  # type: ignore[no-untyped-call]

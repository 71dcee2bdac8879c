"""Making access and refresh tokens, in a change of the caller's: the one place where it is done.

Whoever calls has kept the user and the client (`keep_parties`), so what is made here is found by whatever ends either.
"""

from dataclasses import dataclass
from datetime import timedelta

from tokenry.domain.clients import Client
from tokenry.domain.errors import Unavailable
from tokenry.domain.events import AppAllowed, GrantBegun
from tokenry.domain.grants import App, Grant, NewGrant
from tokenry.domain.oauth import (
    ACCESS_LIFETIME_SECONDS,
    GRANT_LIFETIME_SECONDS,
    REFRESH_LIFETIME_SECONDS,
    OAuthError,
    OAuthRefusal,
)
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import ACCESS, BOUND_ACCESS, REFRESH, Peppers, Secret
from tokenry.domain.users import User
from tokenry.service.transactions import Change
from tokenry.storage import grants as stored
from tokenry.storage import tokens as stored_tokens
from tokenry.storage.oauth_clients import keep_client
from tokenry.storage.users import keep_user


@dataclass(frozen=True, slots=True)
class Issued:
    """What a client is given: an access token that lives so many seconds, and the refresh token, if there is one."""

    access: Secret
    scopes: Scopes
    expires_in: int
    grant: Grant
    refresh: Secret | None = None


def keep_parties(change: Change, user_id: int, client: Client) -> User:
    """Keep a user and a client as they are, for what is issued. Raises OAuthRefusal if either may no longer."""
    user = keep_user(change.connection, user_id)
    if user is None or user.disabled is not None:
        raise OAuthRefusal(OAuthError.INVALID_GRANT, "The user may not sign in any more.")
    if not keep_client(change.connection, client.id):
        raise OAuthRefusal(OAuthError.INVALID_CLIENT, "The client was disabled or deleted.")
    return user


def allowed_scopes(policy: Policy, user: User, client: Client) -> Scopes:
    """The most that a user can give a client by the policy, the user's ceiling and the client's registration."""
    return client.rights.scopes.within(policy.most_for(user.kind)).within(user.ceiling)


def allow_app(change: Change, user: User, client: Client, scopes: Scopes) -> App:
    """Note that a user lets a client in for these scopes, beside those that it was let in for before.

    Raises Unavailable, to be done again, if somebody does the same for the first time at once.
    """
    app = stored.lock_app(change.connection, user_id=user.id, oauth_client_id=client.id)
    if app is None:
        app = stored.insert_app(
            change.connection, user_id=user.id, oauth_client_id=client.id, scopes=scopes, created=change.now
        )
        if app is None:
            raise Unavailable("the user let the same client in meanwhile", collided=True)
    elif app.scopes.covers(scopes):
        return app
    else:
        stored.widen_app(change.connection, app.id, app.scopes.united(scopes))
    change.record(AppAllowed(user.id, app.id, client.client_id, scopes))
    return app


def begin_grant(
    change: Change, app: App, client: Client, new: NewGrant, policy: Policy, *, refreshes: bool = True
) -> Grant:
    """Begin what an authorization brings a client. It ends as a personal token made now would have to at the latest.

    One that nothing refreshes ends with its access token.
    """
    lifetime = timedelta(seconds=GRANT_LIFETIME_SECONDS if refreshes else ACCESS_LIFETIME_SECONDS)
    if policy.lifetime_max is not None:
        lifetime = min(lifetime, policy.lifetime_max)
    expiry = change.now + lifetime
    grant = stored.insert_grant(change.connection, app, client.client_id, new, created=change.now, expiry=expiry)
    change.record(GrantBegun(app.user_id, app.id, grant.id, str(new.type), new.scopes))
    return grant


def issue(
    change: Change,
    peppers: Peppers,
    grant: Grant,
    label: str,
    *,
    refreshes: bool,
    source: stored_tokens.Source | None = None,
) -> Issued:
    """Make an access token of a grant, and with `refreshes` a refresh token beside it.

    It is for all that this grant has: give it with less, or with another key, where a token is to have that. `label` is
    the client's, for those who look at the token later; `source` is where it came from, if not from the grant alone.
    """
    now = change.now
    expiry = min(now + timedelta(seconds=ACCESS_LIFETIME_SECONDS), grant.expiry)
    access = Secret.generate(kind=ACCESS if grant.jkt is None else BOUND_ACCESS)
    token = stored_tokens.insert_token(
        change.connection,
        user_id=grant.user_id,
        label=label,
        scopes=grant.scopes,
        preview=access.preview,
        created=now,
        expiry=expiry,
        created_by=change.origin.name,
        source=source or stored_tokens.Source(grant.id),
    )
    stored_tokens.insert_credential(
        change.connection,
        peppers.key(access),
        token_id=token.id,
        expiry=expiry,
        bound=stored_tokens.Bound(grant.client_id, grant.audience, grant.jkt),
    )
    refresh = _issue_refresh_token(change, peppers, grant) if refreshes else None
    return Issued(access, grant.scopes, int((expiry - now).total_seconds()), grant, refresh)


def _issue_refresh_token(change: Change, peppers: Peppers, grant: Grant) -> Secret:
    refresh = Secret.generate(kind=REFRESH)
    stored.insert_refresh_token(
        change.connection,
        peppers.key(refresh),
        grant_id=grant.id,
        created=change.now,
        expiry=min(change.now + timedelta(seconds=REFRESH_LIFETIME_SECONDS), grant.expiry),
    )
    return refresh

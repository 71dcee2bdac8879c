"""Authorization codes (RFC 6749 section 4.1, with PKCE): made when a user agrees, and exchanged once.

A code is used up by the exchange that brings something, and by nothing else: neither a stranger nor a client that sends
a wrong verifier can spoil it for whom it was given to (OAuth 2.1 speaks of valid requests).
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Client
from tokenry.domain.codes import Code, NewCode, PresentedCode, is_verified
from tokenry.domain.grants import NewGrant
from tokenry.domain.oauth import CODE_LIFETIME_SECONDS, GrantType, OAuthError, OAuthRefusal
from tokenry.domain.secrets import CODE, Peppers, Secret
from tokenry.service.grants.checking import choose_audience, narrow, require_grant_type, require_key
from tokenry.service.grants.ending import end_grant
from tokenry.service.grants.issuing import Issued, allowed_scopes, begin_grant, issue, keep_parties
from tokenry.service.policy import policy_in_force
from tokenry.service.presented import find_presented
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import codes as stored
from tokenry.storage.database import retried
from tokenry.storage.grants import lock_app

REUSED = "the authorization code was presented again"
"""Why a grant ended, in the audit."""


def begin_code(change: Change, peppers: Peppers, app_id: int, new: NewCode) -> Secret:
    """Make a code for an app, whose user and client are kept (`keep_parties`)."""
    code = Secret.generate(kind=CODE)
    stored.insert_code(
        change.connection,
        app_id,
        new,
        peppers.key(code),
        created=change.now,
        expiry=change.now + timedelta(seconds=CODE_LIFETIME_SECONDS),
    )
    return code


class AuthorizationCodes:
    """The use case of a client that has been sent back with a code."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    def exchange_code(self, origin: Origin, client: Client, presented: PresentedCode) -> Issued:
        """Give a client, which has proved who it is, what its code stands for. Raises OAuthRefusal.

        Presented again, a code ends what it brought: that is committed, although the answer is a refusal.
        """
        require_grant_type(client, GrantType.AUTHORIZATION_CODE)
        require_key(client, presented.jkt)
        issued = self._exchange(origin, client, presented)
        if issued is None:
            raise _refused("The code was used before: all that it brought has ended.")
        return issued

    @retried
    def _exchange(self, origin: Origin, client: Client, presented: PresentedCode) -> Issued | None:
        """Exchange a code that was not used, or end what it brought; then there is nothing."""
        with self._transactions.change(origin) as change, policy_in_force(change) as policy:
            secret, code = self._get(change.connection, presented.text, client)
            require_requester(client, code.stands_for, presented)
            audience = choose_audience(presented.audience, code.stands_for.audience)
            user = keep_parties(change, code.user_id, client)
            app = lock_app(change.connection, user_id=user.id, oauth_client_id=client.id)
            if app is None or app.id != code.app_id:
                raise _refused("The user does not let the client in any more.")
            if code.used or not stored.use_code(change.connection, secret.preview, change.now):
                self._end_what_it_brought(change, secret)
                return None
            _require_time(code, change.now)
            new = NewGrant(
                GrantType.AUTHORIZATION_CODE,
                narrow(code.stands_for.scopes, allowed_scopes(policy, user, client)),
                code.stands_for.audience,
                presented.jkt,
            )
            grant = begin_grant(change, app, client, new, policy, refreshes=client.refreshes)
            stored.note_grant(change.connection, secret.preview, grant.id)
            given = replace(grant, audience=audience)
            return issue(change, self._peppers, given, client.label, refreshes=client.refreshes)

    def _get(self, connection: Connection, text: str, client: Client) -> tuple[Secret, Code]:
        found = find_presented(self._peppers, client, text, CODE, partial(stored.find_code, connection))
        if found is None:
            raise _refused("The code is unknown, or was given to another client.")
        return found

    def _end_what_it_brought(self, change: Change, secret: Secret) -> None:
        code = stored.find_code(change.connection, secret.preview)  # again: another may have used it just now
        if code is not None and code.grant_id is not None:
            end_grant(change, code.grant_id, reason=REUSED)


def require_requester(client: Client, asked: NewCode, presented: PresentedCode) -> None:
    """Refuse whoever is not the one that sent the user for this code. Raises OAuthRefusal.

    A redirect address that is sent has to be that of the request. It need not be sent where the challenge tells the
    same (OAuth 2.1 section 10.2); nor, for clients of the wire format, where there is but one address that the code can
    have gone to. A verifier without a challenge is that of somebody else's request (RFC 9700 section 2.1.1).
    """
    sent = presented.redirect_uri
    optional = asked.redirect_uri is None or asked.code_challenge is not None or len(client.redirect_uris) == 1
    if (sent is None and not optional) or (sent is not None and sent != asked.redirect_uri):
        raise _refused("The redirect_uri is not the one that was asked with.")
    if presented.code_verifier is None and asked.code_challenge is not None:
        raise _refused("The code was asked for with a code_challenge: its code_verifier must be sent (PKCE).")
    if presented.code_verifier is not None and asked.code_challenge is None:
        raise _refused("The code was asked for without a code_challenge: there can be no code_verifier (PKCE).")
    if presented.code_verifier is not None and asked.code_challenge is not None:
        if not is_verified(presented.code_verifier, asked.code_challenge):
            raise _refused("The code_verifier is not the one that the code_challenge was made from.")
    elif client.rights.pkce_required:
        raise _refused("The client has to use a code_challenge.")
    if asked.jkt is not None and presented.jkt != asked.jkt:
        raise _refused("The DPoP proof is not of the key that was asked with.")


def _require_time(code: Code, now: datetime) -> None:
    if now >= code.expiry:
        raise _refused(f"The code expired: it has to be exchanged within {CODE_LIFETIME_SECONDS} seconds.")


def _refused(description: str) -> OAuthRefusal:
    return OAuthRefusal(OAuthError.INVALID_GRANT, description)

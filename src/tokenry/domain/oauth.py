"""OAuth 2.1's words: kinds of grants, error codes, and how long what it gives out lives."""

import re
from enum import StrEnum

from tokenry.domain.errors import Fault, Refusal

CODE_LIFETIME_SECONDS = 60
ACCESS_LIFETIME_SECONDS = 2 * 3600
REFRESH_LIFETIME_SECONDS = 60 * 86400
"""From each use on, within the life of the grant."""
GRANT_LIFETIME_SECONDS = 365 * 86400
"""After which a user is asked again, however often a client refreshes."""
DEVICE_CODE_LIFETIME_SECONDS = 600
DEVICE_INTERVAL_SECONDS = 5
PUSHED_LIFETIME_SECONDS = 60
PUSHED_DECISION_SECONDS = 900
"""From when a browser has come with a pushed request: for its user to sign in and to decide."""
DESCRIPTION_LENGTH_MAX = 500
"""Of an error, which may name what was sent, and goes into addresses."""
assert CODE_LIFETIME_SECONDS < ACCESS_LIFETIME_SECONDS < REFRESH_LIFETIME_SECONDS < GRANT_LIFETIME_SECONDS

_NOT_IN_DESCRIPTION = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""RFC 6749 section 5.2."""


class GrantType(StrEnum):
    """How a client comes to a token, by the name that a request or a registration has for it."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - OAuth's word
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - OAuth's word
    IMPLICIT = "implicit"


class OAuthError(StrEnum):
    """What can be wrong, by OAuth's code for it (RFC 6749 sections 4.1.2.1 and 5.2, and those named)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    INVALID_SCOPE = "invalid_scope"
    ACCESS_DENIED = "access_denied"
    INVALID_TARGET = "invalid_target"  # RFC 8707
    AUTHORIZATION_PENDING = "authorization_pending"  # RFC 8628
    SLOW_DOWN = "slow_down"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - OAuth's word
    INVALID_REDIRECT_URI = "invalid_redirect_uri"  # RFC 7591
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"  # RFC 9449
    LOGIN_REQUIRED = "login_required"  # OpenID Connect, for `prompt=none`
    CONSENT_REQUIRED = "consent_required"
    REQUEST_NOT_SUPPORTED = "request_not_supported"


class OAuthRefusal(Refusal):
    """A request of an OAuth client that is answered with an error of OAuth's own; nothing was issued.

    `description` is for the developer of the client, in the characters that an error_description may have.
    """

    def __init__(self, code: OAuthError, description: str) -> None:
        description = _NOT_IN_DESCRIPTION.sub("?", description[:DESCRIPTION_LENGTH_MAX])
        super().__init__(Fault(description))
        self.code = code
        self.description = description

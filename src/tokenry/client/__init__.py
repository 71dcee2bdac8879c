"""The Python client: `Client` and `AsyncClient`, and `PersonalAccessTokensApi` for code of the original interface.

    calls.py    every operation as data     answers.py  rows.py  reading what comes back      tokens.py   what is read
    oauth.py    signing people in
    session.py  one exchange: token, retries, errors         shells.py   driving it, in threads and in event loops
    client.py  async_client.py  personal_access_tokens.py     what people call
    filters.py  retries.py  errors.py  secrets.py  walk.py    expressions, patience, exceptions, masking, long lists
    transport.py  connections.py  async_connections.py        the seam to the network, and httpx2 behind it

It imports nothing else of this package, and of other libraries httpx2 alone, when the first request is sent.
"""

from tokenry.client.activity import Advice, DayOfUse, Overview, Shadow
from tokenry.client.async_client import AsyncClient, AsyncToken
from tokenry.client.audit import AuditEvent
from tokenry.client.client import Client, Token
from tokenry.client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    Fault,
    Forbidden,
    InsufficientScope,
    NotFound,
    NoToken,
    OAuthError,
    Redirected,
    ServerError,
    TimedOut,
    TokenryError,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
    WrongIssuer,
)
from tokenry.client.filters import Condition, Order, where
from tokenry.client.notifications import NotificationChoices
from tokenry.client.personal_access_tokens import (
    AsyncPersonalAccessTokensApi,
    DeletePersonalAccessToken200Response,
    GetPersonalAccessToken200Response,
    GetPersonalAccessTokens200Response,
    GetPersonalAccessTokens200ResponseDataInner,
    PersonalAccessTokensApi,
    PostPersonalAccessToken200Response,
    PostPersonalAccessTokenRequest,
    PutPersonalAccessToken200Response,
    PutPersonalAccessTokenRequest,
)
from tokenry.client.policy import (
    InstallationPolicy,
    OutlivingOfUser,
    OutlivingToken,
    PolicyDifference,
    PolicyPreview,
    PolicyRules,
    Shortening,
)
from tokenry.client.preferences import Preferences
from tokenry.client.retries import ONCE, Retries
from tokenry.client.secrets import Secret
from tokenry.client.service_accounts import ServiceAccount
from tokenry.client.session import TokenExpiresSoon
from tokenry.client.tokens import (
    Details,
    Explanation,
    Identity,
    Page,
    PageToken,
    Policy,
    Scope,
    Step,
    TokenRecord,
    User,
    Verification,
)
from tokenry.client.transport import Answer, AsyncTransport, Request, Transport
from tokenry.client.webhooks import Delivery, Webhook

__all__ = [
    "ONCE",
    "Advice",
    "Answer",
    "ApiError",
    "AsyncClient",
    "AsyncPersonalAccessTokensApi",
    "AsyncToken",
    "AsyncTransport",
    "AuditEvent",
    "BadRequest",
    "Client",
    "Condition",
    "Conflict",
    "ConnectionFailed",
    "DayOfUse",
    "DeletePersonalAccessToken200Response",
    "Delivery",
    "Details",
    "Explanation",
    "Fault",
    "Forbidden",
    "GetPersonalAccessToken200Response",
    "GetPersonalAccessTokens200Response",
    "GetPersonalAccessTokens200ResponseDataInner",
    "Identity",
    "InstallationPolicy",
    "InsufficientScope",
    "NoToken",
    "NotFound",
    "NotificationChoices",
    "OAuthError",
    "Order",
    "OutlivingOfUser",
    "OutlivingToken",
    "Overview",
    "Page",
    "PageToken",
    "PersonalAccessTokensApi",
    "Policy",
    "PolicyDifference",
    "PolicyPreview",
    "PolicyRules",
    "PostPersonalAccessToken200Response",
    "PostPersonalAccessTokenRequest",
    "Preferences",
    "PutPersonalAccessToken200Response",
    "PutPersonalAccessTokenRequest",
    "Redirected",
    "Request",
    "Retries",
    "Scope",
    "Secret",
    "ServerError",
    "ServiceAccount",
    "Shadow",
    "Shortening",
    "Step",
    "TimedOut",
    "Token",
    "TokenExpiresSoon",
    "TokenRecord",
    "TokenryError",
    "TooManyRequests",
    "Transport",
    "Unauthorized",
    "UnreadableAnswer",
    "User",
    "Verification",
    "Webhook",
    "WrongIssuer",
    "where",
]

"""Reading answers. What is not as it should be is an UnreadableAnswer, naming the key and showing nothing of the text.

No function here keeps a part of a body in a local variable while it raises: tracebacks can show those.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

from tokenry.client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Fault,
    Forbidden,
    InsufficientScope,
    NotFound,
    Redirected,
    ServerError,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
)
from tokenry.client.retries import read_retry_after
from tokenry.client.rows import NEVER, Row, read_scopes, read_time
from tokenry.client.secrets import Secret, is_preview, masked
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
from tokenry.client.transport import Answer

T = TypeVar("T")

ERRORS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
}
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_ESCAPED = re.compile(r"(?:[0-9A-Za-z._~-]|%[0-9A-Fa-f]{2})*+", re.ASCII)


# --- what is asked for -----------------------------------------------------------------------------------------------


def read_token(request: str, answer: Answer) -> TokenRecord:
    """A token."""
    return _read_token(Row.of(request, answer))


def read_tokens(request: str, answer: Answer) -> Page[TokenRecord]:
    """A page of tokens."""
    return read_page(Row.of(request, answer), _read_token)


def read_page(row: Row, read_row: Callable[[Row], T]) -> Page[T]:
    """A page of a list."""
    return Page(
        tuple(read_row(each) for each in row.rows("data")),
        row.number("page"),
        row.number("pages"),
        row.number("results"),
    )


def read_nothing(request: str, answer: Answer) -> None:
    """An object, whatever is in it."""
    Row.of(request, answer)


def read_details(request: str, answer: Answer) -> Details:
    """A token with all that is known of it."""
    return _read_details(Row.of(request, answer))


def read_details_page(request: str, answer: Answer) -> Page[Details]:
    """A page of such."""
    return read_page(Row.of(request, answer), _read_details)


def read_policy(request: str, answer: Answer) -> Policy:
    """What the operator allows."""
    row = Row.of(request, answer)
    lifetime = row.if_any("max_lifetime_seconds", row.number)
    return Policy(
        max_lifetime=None if lifetime is None else timedelta(seconds=lifetime),
        expiry_required=row.truth("expiry_required"),
        scopes=row.scopes("scopes"),
        max_tokens=row.if_any("max_tokens", row.number),
        tokens=row.number("tokens"),
        requests_per_minute=row.if_any("requests_per_minute", row.number),
    )


def read_catalogue(request: str, answer: Answer) -> tuple[Scope, ...]:
    """The scopes that there are."""
    return tuple(
        Scope(
            scope=action.text("scope"),
            title=f"{resource.text('title')}: {action.text('title')}",
            description=action.text("description"),
            implies=tuple(f"{resource.text('name')}:{name}" for name in action.texts("implies")),
            instances=resource.truth("instances"),
            management=resource.truth("management"),
        )
        for resource in Row.of(request, answer).rows("resources")
        for action in resource.rows("actions")
    )


def read_user(request: str, answer: Answer) -> User:
    """A user of a product."""
    return _read_user(Row.of(request, answer))


def read_users(request: str, answer: Answer) -> Page[User]:
    """A page of them."""
    return read_page(Row.of(request, answer), _read_user)


def read_page_token(request: str, answer: Answer) -> PageToken:
    """A page token."""
    row = Row.of(request, answer)
    return PageToken(secret=row.secret("token"), expiry=row.time("expiry"))


def read_revoked(request: str, answer: Answer) -> int:
    """How many were revoked."""
    return Row.of(request, answer).number("revoked")


def read_identity(request: str, answer: Answer) -> Identity:
    """A profile, and the scopes of the token that asked."""
    row = Row.of(request, answer)
    return Identity(
        user=row.text("username"),
        user_id=row.number("uid"),
        email=row.text("email"),
        restricted=row.truth("restricted"),
        scopes=read_scopes(answer.headers.get("x-oauth-scopes", "")),
    )


def read_verification(request: str, answer: Answer) -> Verification:
    """A verdict: 200 with its headers, 401 or 403."""
    if answer.status != 200:
        Row.of(request, answer).rows("errors")  # a proxy's own 401 or 403 is no verdict
        return Verification(active=False, reason="invalid" if answer.status == 401 else "insufficient_scope")
    try:
        found = {name: read(answer.headers.get(_header(name))) for name, read in IDENTITY.items()}
        metadata = _read_metadata(answer.headers.get(_header("metadata")))
        return Verification(active=True, **found, metadata=metadata)
    except (ValueError, LookupError, TypeError, OverflowError, OSError, RecursionError):
        raise UnreadableAnswer(request, answer.status, "it lacks the headers of a verdict, X-Auth-*") from None


def read_explanation(request: str, answer: Answer) -> Explanation:
    """What was found of a token, check by check."""
    row = Row.of(request, answer)
    return Explanation(
        active=row.truth("active"),
        steps=tuple(
            Step(check=step.text("check"), passed=step.truth("passed"), reason=step.text("reason"))
            for step in row.rows("steps")
        ),
    )


def read_expiry(answer: Answer) -> datetime | None:
    """When the token expires that was sent, where the service says so; None for never too."""
    moment = read_time(answer.headers.get("x-token-expires"))
    return None if moment is None or moment >= NEVER else moment


# --- refusals --------------------------------------------------------------------------------------------------------


def read_refusal(request: str, answer: Answer, bearer: Secret, now: datetime) -> ApiError | UnreadableAnswer:
    """The exception for an answer that is no success. A 500 and above is a ServerError whatever its body."""
    try:
        faults = tuple(_read_fault(row, bearer) for row in Row.of(request, answer).rows("errors"))
    except UnreadableAnswer as error:
        if answer.status < 500:
            return UnreadableAnswer(request, answer.status, error.problem)
        faults = ()
    kind = ERRORS.get(answer.status, ServerError if answer.status >= 500 else ApiError)
    scopes = answer.headers.get("x-oauth-scopes")
    if kind is Unauthorized and scopes not in (None, "unknown"):
        kind = InsufficientScope
    return kind(
        request,
        answer.status,
        faults or (Fault("no readable reason"),),
        _shown(answer, "x-request-id", bearer),
        read_retry_after(answer.headers.get("retry-after"), now) if answer.status in (429, 503) else None,
        _shown(answer, "x-oauth-scopes", bearer),
        _shown(answer, "x-accepted-oauth-scopes", bearer),
    )


def read_redirect(request: str, answer: Answer, bearer: Secret | None) -> Redirected:
    """The exception for an answer that sends elsewhere."""
    try:
        location = urlsplit(answer.headers.get("location", ""))._replace(query="", fragment="").geturl()
    except ValueError:
        location = ""
    return Redirected(request, masked(location, bearer) or "an unreadable address")


def _read_token(row: Row) -> TokenRecord:
    secret = row.secret("token")
    whole = not is_preview(secret.reveal())
    return TokenRecord(
        id=row.number("id"),
        label=row.text("label"),
        scopes=row.scopes("scopes"),
        created=row.time("created"),
        expiry=row.expiry("expiry"),
        preview=secret.preview if whole else secret.reveal(),
        secret=secret if whole else None,
    )


def _read_details(row: Row) -> Details:
    return Details(
        **vars(_read_token(row)),
        state=row.text("state"),
        description=row.text("description"),
        networks=row.if_any("networks", row.networks),
        requests_per_minute=row.if_any("requests_per_minute", row.number),
        created_by=row.if_any("created_by", row.text),
        last_used=row.if_any("last_used", row.time),
        last_used_address=row.if_any("last_used_address", row.text),
        last_used_agent=row.if_any("last_used_agent", row.text),
        revoked=row.if_any("revoked", row.time),
        revoked_by=row.if_any("revoked_by", row.text),
        revoked_reason=row.if_any("revoked_reason", row.text),
        disabled=row.truth("disabled"),
        disabled_by=row.if_any("disabled_by", row.text),
        not_before=row.if_any("not_before", row.time),
        rotates_itself_only=row.truth("rotates_itself_only"),
        metadata=row.values("metadata"),
    )


def _read_user(row: Row) -> User:
    return User(
        external_id=row.text("external_id"),
        username=row.text("username"),
        email=row.text("email"),
        disabled=row.truth("disabled"),
        created=row.time("created"),
        metadata=row.values("metadata"),
    )


def _read_fault(row: Row, bearer: Secret) -> Fault:
    reason = masked(row.text("reason"), bearer)
    field = row.if_any("field", row.text)
    return Fault(reason, None if field is None else masked(field, bearer))


def _shown(answer: Answer, header: str, bearer: Secret) -> str | None:
    return masked(answer.headers[header], bearer) if header in answer.headers else None


def _header(name: str) -> str:
    return f"x-auth-{name.replace('_', '-')}"


def _read_name(text: str | None) -> str:
    if not text:
        raise ValueError
    return text


def _read_number(text: str | None) -> int:
    if text is None or not _NUMBER.fullmatch(text):
        raise ValueError
    return int(text)


def _read_seconds(text: str | None) -> datetime | None:
    """A moment in seconds since 1970; empty for never."""
    return None if text == "" else datetime.fromtimestamp(_read_number(text), UTC)


def _read_client(text: str | None) -> str | None:
    """A client's name for itself; empty for a token that its user made."""
    return None if text == "" else _read_name(text)


def _read_escaped(text: str | None) -> str | None:
    """A product's name for the user, percent-encoded; empty where there is none."""
    if text is None or not _ESCAPED.fullmatch(text):
        raise ValueError
    return unquote_to_bytes(text).decode("utf-8") or None


def _read_metadata(text: str | None) -> dict[str, Any] | None:
    """What a product keeps with user and token: base64url; empty where there is none."""
    if not text:
        return None if text is None else {"user": {}, "token": {}}
    found = json.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    return {name: {**found[name]} for name in ("user", "token")}


IDENTITY: dict[str, Callable[[str | None], Any]] = {
    "user": _read_name,
    "user_id": _read_number,
    "account_id": _read_number,
    "token_id": _read_number,
    "scopes": lambda text: read_scopes(text or ""),
    "expires": _read_seconds,
    "client_id": _read_client,
    "external_id": _read_escaped,
}
"""How the headers of a verdict are read, by name: a copy of the table in `domain/identity.py`, held to it by a test."""

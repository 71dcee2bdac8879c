"""From the identity of a token to the application's own user."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

from tokenry.domain.errors import Fault
from tokenry.domain.identity import Identity
from tokenry.middleware.answers import UNAVAILABLE, Answer, Refused

UserOf = Callable[[Identity], Any]
"""A function of the application's, sync or async: its own user, such as by `identity.external_id`, or None.

One whose `is_active` is false is as good as None.
"""

STRANGER = Refused.because(403, Fault("This application has no such user"))
"""The token is good, and another would not help: so this is no 401."""

log = logging.getLogger("tokenry.middleware")


def find_user(user_of: UserOf | None, answer: Answer | None) -> tuple[Answer | None, Any]:
    """The answer, and whom it lets in; a refusal in place of a yes when there is nobody, or `user_of` fails.

    Raises nothing.
    """
    if user_of is None or not isinstance(answer, Identity):
        return answer, None
    try:
        return _judge(answer, user_of(answer))
    except Exception as error:  # noqa: BLE001 - in doubt the answer is no
        return _fail_closed(answer, error), None


async def find_user_async(user_of: UserOf | None, answer: Answer | None) -> tuple[Answer | None, Any]:
    """The same from an event loop; a function that is not async is called in a thread."""
    if user_of is None or not isinstance(answer, Identity):
        return answer, None
    try:
        user = await (user_of(answer) if is_async(user_of) else asyncio.to_thread(user_of, answer))
        return _judge(answer, user)
    except Exception as error:  # noqa: BLE001 - as above
        return _fail_closed(answer, error), None


def is_async(user_of: UserOf) -> bool:
    """Whether this is an async function, or an object that is called like one."""
    return inspect.iscoroutinefunction(user_of) or inspect.iscoroutinefunction(type(user_of).__call__)


def _judge(identity: Identity, user: Any) -> tuple[Answer, Any]:
    if inspect.isawaitable(user):
        raise TypeError("the function that finds users returned something to wait for, and is not async")
    inactive = not getattr(user, "is_active", True)  # as Django and others have it, who refuse such sessions, too
    return (STRANGER, None) if user is None or inactive else (identity, user)


def _fail_closed(identity: Identity, error: Exception) -> Refused:
    log.error("who is calling by token %d is not known here", identity.token_id, exc_info=error)
    return UNAVAILABLE

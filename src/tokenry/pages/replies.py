"""Writing what a page answers, with its headers and cookies: a page, the way to another, or one that says no."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from tokenry.domain.errors import Refusal, Unavailable
from tokenry.languages.catalogues import DEFAULT
from tokenry.pages.cookies import FLASH, VISIT, Cookies
from tokenry.pages.fields import Incomplete
from tokenry.pages.forgery import Forged
from tokenry.pages.navigation import list_sections
from tokenry.pages.rendering import page_headers, render
from tokenry.pages.visits import FLASHES, Cookie, Download, Redirect, Shown, Visit
from tokenry.web.answers import HeaderList, send_answer
from tokenry.web.errors import STATUS, BodyTooLarge, MethodNotAllowed, TooManyRequests
from tokenry.web.pieces import Run, send_pieces

_STATUS = {**STATUS, Forged: 403, Incomplete: 403}
_TITLES = {
    400: "This cannot be understood",
    403: "This is not allowed",
    404: "There is no such page",
    405: "This cannot be done here",
    413: "This is too long",
    415: "This cannot be read",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Not now",
}
_RETRY = (b"retry-after", b"60")
NOBODY: Mapping[str, object] = {
    "session": None,
    "sections": (),
    "section": "",
    "flash": None,
    "faults": (),
    "script": None,
}
"""What a page is given that knows nobody."""


@dataclass(frozen=True, slots=True)
class Written:
    """A page as it is sent, or the way to another; and what to do once it is out."""

    status: int
    body: bytes = field(repr=False)
    headers: HeaderList = field(repr=False)
    afterwards: Callable[[], object] | None = None


def write_reply(names: Cookies, reply: Redirect | Shown, visit: Visit | None) -> Written:
    """Write what an operation answers to a visit; a redirect alone can do without one.

    A long list takes milliseconds, so it is written in a thread: the event loop has others to answer.
    """
    cookies = list(reply.cookies)
    if isinstance(reply, Redirect):
        if reply.flash is not None:
            cookies.append(Cookie(FLASH, reply.flash))
        headers = [(b"location", reply.address.encode("ascii")), *page_headers()]
        return Written(303, b"", [*headers, *_set_cookies(names, cookies)])
    assert visit is not None
    if FLASH in visit.cookies:
        cookies.append(Cookie(FLASH, ""))
    if visit.session is None:
        cookies.append(Cookie(VISIT, visit.cookies[VISIT]))
    values = {
        **NOBODY,
        "session": visit.session,
        "sections": list_sections(visit.session),
        "now": visit.now,
        "timezone": "UTC" if visit.session is None else visit.session.timezone,
        "form_token": visit.form_token,
        "flash": FLASHES.get(visit.cookies.get(FLASH, "")),
        "script": reply.script,
        **reply.values,
    }
    body = render(reply.template, values, visit.language)
    headers = page_headers(reply.form_action, script=reply.script)
    if reply.status == _STATUS[TooManyRequests]:
        headers.append(_RETRY)
    return Written(reply.status, body, [*headers, *_set_cookies(names, cookies)], reply.afterwards)


async def send_written(send: Send, written: Written) -> None:
    """Send a page, or the way to another."""
    await send_answer(send, written.status, written.body, written.headers)


async def send_download(receive: Receive, send: Send, file: Download, run: Run) -> None:
    """Send a file; `run` makes its pieces in a thread. Raises ClientGone."""
    headers = _download_headers(file)
    if isinstance(file.body, bytes):
        await send_answer(send, 200, file.body, headers)
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send_pieces(receive, send, file.body, run)


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Show a page that says no."""
    status = _STATUS[type(refusal)]
    headers = page_headers()
    if isinstance(refusal, MethodNotAllowed):
        headers.append(refusal.allow)
    if isinstance(refusal, BodyTooLarge):
        headers.append((b"connection", b"close"))  # the rest of the body is not worth reading
    if isinstance(refusal, TooManyRequests):
        headers.append(_RETRY)
    if isinstance(refusal, Unavailable):
        scope["tokenry.reason"] = refusal.reason  # for the guard's line in the log
    values = {"title": _TITLES[status], "reasons": [fault.reason for fault in refusal.faults]}
    language = str(scope.get("tokenry.language", DEFAULT))
    await send_answer(send, status, render("refusal.html", {**NOBODY, **values}, language), headers)


def _set_cookies(names: Cookies, cookies: Sequence[Cookie]) -> HeaderList:
    return [(b"set-cookie", names.write(cookie)) for cookie in cookies]


def _download_headers(file: Download) -> HeaderList:
    """Those of every page, but for what says that it is one."""
    own = {b"content-type": file.media_type.encode("ascii")}
    headers = [(name, own.get(name, value)) for name, value in page_headers()]
    return [*headers, (b"content-disposition", f'attachment; filename="{file.name}"'.encode("ascii"))]

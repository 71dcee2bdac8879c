"""The front door, `/`: what this is and where to go, for whoever brings no session; the page at home for the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from tokenry import __version__
from tokenry.domain.device_codes import VERIFICATION_PATH
from tokenry.pages.cookies import SESSION, Cookies
from tokenry.pages.page import Page, read_language
from tokenry.pages.paths import SIGN_IN
from tokenry.pages.rendering import page_headers, render
from tokenry.pages.replies import NOBODY
from tokenry.web.answers import HeaderList, send_answer, to_bytes

HTML = "text/html"
WAYS: Mapping[str, str] = {"api": "/v4", "documentation": "/docs", "openapi": "/openapi.json"}
"""Where to go, for programs."""
_READING = {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Front:
    """An ASGI application for `/`. It shows browsers a page, and tells programs the same as JSON.

    Neither takes a look-up, and they are shown also where nobody can sign in. What comes with a cookie of a session, or
    with a form, is for `home`.
    """

    home: Page
    public_url: str | None

    @property
    def methods(self) -> frozenset[str]:
        """Those of the page at home."""
        return self.home.methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cookies = Cookies(secure=not (self.public_url or "").startswith("http:")).read(scope)
        if scope["method"] not in _READING or SESSION in cookies:
            home: ASGIApp = self.home
            await home(scope, receive, send)
            return
        body, headers = self._page(read_language(scope, cookies)) if _is_browser(scope) else _ways()
        await send_answer(send, 200, body, [*headers, (b"vary", b"Accept, Accept-Language, Cookie")])

    def _page(self, language: str) -> tuple[bytes, HeaderList]:
        values = {"sign_in": SIGN_IN, "device": VERIFICATION_PATH, "public_url": self.public_url}
        return render("front.html", {**NOBODY, **values}, language), page_headers()


def _ways() -> tuple[bytes, HeaderList]:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return to_bytes({"name": "tokenry", "version": __version__, **WAYS}), headers


def _is_browser(scope: Scope) -> bool:
    """Whether a page is what is asked for: browsers name it, and programs that take anything do not."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    return any(each.partition(";")[0].strip().lower() == HTML for each in accepted.split(","))

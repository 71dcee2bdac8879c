"""A product with a login of its own, whose settings page has its users' access tokens, and whose API takes them.

TOKENRY_TOKEN=pat_… uvicorn fastapi_product:app

The token is that of a service account, with tokenry_users:read_write and tokenry_tokens:read_write; the service lists
this product's origin in TOKENRY_ALLOWED_ORIGINS. ada@example.com signs in with "difference engine".
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape
from typing import Annotated
from urllib.parse import parse_qs

import httpx2
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from tokenry.client import AsyncClient
from tokenry.middleware import Identity
from tokenry.middleware.fastapi import Requirer
from tokenry.middleware.remote import RemoteVerifier

TOKENRY = os.environ.get("TOKENRY_URL", "http://127.0.0.1:8470")
"""As browsers reach it, too."""
OWN = os.environ.get("ORIGIN", "http://127.0.0.1:8000")
COOKIE = "__Host-session" if OWN.startswith("https:") else "session"
BODY_BYTES_MAX = 4096


@dataclass(frozen=True)
class User:
    """One of the product's own users. What tokenry calls it is its id, which never changes."""

    id: str
    email: str
    salt: bytes
    password: bytes


def hash_password(password: str, salt: bytes) -> bytes:
    """What is kept of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


SALT = secrets.token_bytes(16)
USERS = {"ada@example.com": User("u-1815", "ada@example.com", SALT, hash_password("difference engine", SALT))}
INVOICES = {"u-1815": [{"number": 7, "total": "99.00"}]}
sessions: dict[str, User] = {}
require = Requirer(RemoteVerifier(TOKENRY))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Ask once where the component is, and keep a connection to the service."""
    async with require.lifespan(app), AsyncClient(TOKENRY, os.environ["TOKENRY_TOKEN"]) as app.state.tokenry:
        answer = httpx2.get(f"{TOKENRY}/components/tokenry-tokens").raise_for_status()
        app.state.component = answer.json()
        yield


app = FastAPI(lifespan=lifespan, exception_handlers=require.exception_handlers)


# --- the API, for programs with a token ------------------------------------------------------------------------------


@app.get("/api/invoices")
async def list_invoices(caller: Annotated[Identity, Depends(require("invoices:read_only"))]) -> list[dict[str, object]]:
    """List the invoices of whoever made the token."""
    return INVOICES.get(caller.external_id or "", [])


# --- the pages, for people with a session ----------------------------------------------------------------------------


def signed_in(request: Request) -> User:
    """Who is signed in; others go to the form."""
    user = sessions.get(request.cookies.get(COOKIE, ""))
    if user is None:
        raise HTTPException(303, headers={"Location": "/sign-in"})
    return user


async def own_form(request: Request) -> dict[str, str]:
    """The fields of a form that one of our own pages sent: a browser says where each comes from (Origin)."""
    if request.headers.get("origin") != OWN:
        raise HTTPException(403)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413)
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


SignedIn = Annotated[User, Depends(signed_in)]
Form = Annotated[dict[str, str], Depends(own_form)]


@app.get("/sign-in")
async def ask_who() -> Response:
    """Show the form."""
    return page("Sign in", SIGN_IN.format(wrong=""))


@app.post("/sign-in")
def sign_in(form: Form) -> Response:
    """Begin a session."""
    user = USERS.get(form.get("email", ""))
    given = hash_password(form.get("password", ""), SALT if user is None else user.salt)
    if user is None or not hmac.compare_digest(given, user.password):
        return page(
            "Sign in",
            SIGN_IN.format(wrong='<p role="alert">The email address or the password is wrong.</p>'),
            status=403,
        )
    session = secrets.token_urlsafe(32)
    sessions[session] = user
    answer = RedirectResponse("/settings", 303)
    answer.set_cookie(COOKIE, session, httponly=True, samesite="lax", secure=OWN.startswith("https:"))
    return answer


@app.post("/sign-out", dependencies=[Depends(own_form)])
async def sign_out(request: Request) -> Response:
    """End it."""
    sessions.pop(request.cookies.get(COOKIE, ""), None)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=OWN.startswith("https:"))
    return answer


@app.get("/")
@app.get("/settings")
async def settings(user: SignedIn) -> Response:
    """Show the settings, with what the user may do by tokens."""
    component = app.state.component
    return page(
        "Settings",
        SETTINGS.format(
            email=escape(user.email),
            src=escape(TOKENRY + component["path"]),
            integrity=escape(component["integrity"]),
            api=escape(TOKENRY),
            token=escape(await make_page_token(user)),
        ),
    )


@app.post("/settings/page-token", dependencies=[Depends(own_form)])
async def renew(user: SignedIn) -> Response:
    """Give a page that was open for long another page token."""
    return PlainTextResponse(await make_page_token(user), headers={"Cache-Control": "no-store"})


async def make_page_token(user: User) -> str:
    """What the user's own browser may manage that user's tokens with, for a quarter of an hour."""
    users = app.state.tokenry.users
    await users.put(user.id, email=user.email)  # which may be repeated: nothing has to be kept of it
    made = await users.create_page_token(user.id)
    token: str = made.secret.reveal()
    return token


@app.get("/settings.js")
async def script() -> Response:
    """Hand out the page's own script."""
    return Response(RENEWAL, media_type="text/javascript")


@app.get("/style.css")
async def style() -> Response:
    """Hand out the pages' style."""
    return Response(STYLE, media_type="text/css")


def page(title: str, body: str, status: int = 200) -> Response:
    """Write a page, in which the component's script and the page's own run, and no other."""
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self' {TOKENRY}; connect-src 'self' {TOKENRY}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return HTMLResponse(LAYOUT.format(title=title, body=body), status, headers)


LAYOUT = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="/style.css">
<main><h1>{title}</h1>{body}</main>
</html>
"""
SIGN_IN = """<form method="post" action="/sign-in">{wrong}
<label>Email <input type="email" name="email" autocomplete="username" required></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>
"""
SETTINGS = """<form method="post" action="/sign-out"><p>{email}</p><button>Sign out</button></form>
<h2>Access tokens</h2>
<p>With a token your programs see your invoices at <code>/api/invoices</code>.</p>
<script type="module" src="{src}" integrity="{integrity}" crossorigin="anonymous"></script>
<script type="module" src="/settings.js"></script>
<tokenry-tokens api="{api}" token="{token}"></tokenry-tokens>
"""
RENEWAL = """document.addEventListener("tokenry-expired", async ({ target }) => {
  const answer = await fetch("/settings/page-token", { method: "POST" });
  if (answer.ok && !answer.redirected) target.setAttribute("token", await answer.text());
});
"""
STYLE = """:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f6f7f9, #0f1319); color: light-dark(#1c2430, #e6e9ee); }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1, h2 { line-height: 1.25; text-wrap: balance; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; justify-content: space-between; }
form[action="/sign-in"] { display: grid; max-width: 22rem; justify-content: stretch; }
p { overflow-wrap: anywhere; margin: .5rem 0; }
label { display: grid; gap: .25rem; }
input, button {
  box-sizing: border-box; min-height: 2.75rem; padding: .4rem .9rem;
  border: 1px solid light-dark(#6d7889, #8d98a8); border-radius: .5rem;
  background: light-dark(#fff, #171b22); color: inherit; font: inherit;
}
:focus-visible { outline: 3px solid light-dark(#0b57b8, #8cbaff); outline-offset: 2px; }
[role=alert] { color: light-dark(#b3261e, #ff9d95); font-weight: 600; }
"""

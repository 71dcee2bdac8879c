"""An application is let in, in a real browser, with scripts and without: from its redirect to the end of its access."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page

from tests.browsers import assert_for_everybody
from tests.issuing import bearer
from tests.oauth_making import CHALLENGE, VERIFIER
from tests.passwords import CHEAP_VARIABLES, PASSWORD
from tests.servers import Server, serving, tokenry


@dataclass
class Program:
    """A program on the user's device, which listens for what its browser is sent back with.

    It sends the browser on to a page at another name of the device, as clients on the web do to another of their sites.
    """

    port: int
    answers: list[dict[str, str]] = field(default_factory=list)

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/callback"


@contextmanager
def listening() -> Iterator[Program]:
    """A program that listens on a port of its own, for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback"):  # and no picture beside it
                program.answers.append(dict(parse_qsl(urlsplit(self.path).query)))
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{program.port}/done")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>You can close this</title>")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        program = Program(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield program
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose administrator has a password."""
    with serving(tmp_path_factory.mktemp("letting-in") / "data", variables=CHEAP_VARIABLES) as server:
        where = ("--data-dir", str(server.data_dir), "--port", str(server.port))
        link = re.findall(r"http://\S+", tokenry("admin", "user", "link", "admin", *where).stdout)[0]
        with httpx2.Client(base_url=server.url, follow_redirects=True) as client:
            token = re.findall(r'name="form_token" value="([^"]+)"', client.get(link).text)[-1]
            form = {"form_token": token, "password": PASSWORD, "again": PASSWORD}
            assert client.post("/link", data=form).status_code == 200
        yield server


def register(server: Server) -> str:
    """Register a program as the operator does; its client_id."""
    made = tokenry(
        *("admin", "client", "create", "--label", "Example Program", "--public", "--narrowing"),
        *("--redirect-uri", "http://127.0.0.1/callback", "--scopes", "linodes:read_write domains:read_only"),
        *("--data-dir", str(server.data_dir)),
    )
    assert made.returncode == 0, made.stderr
    [client_id] = re.findall(r"\b[0-9a-f]{20}\b", made.stdout)
    return str(client_id)


def sign_in(page: Page) -> None:
    """With the keyboard alone, without which a field or button could not be reached."""
    page.get_by_label("Username or email address").focus()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/oauth/authorize?*")


@pytest.mark.parametrize("scripts", [True, False])
def test_program_is_let_in_and_its_access_ended(served: Server, browser: Browser, *, scripts: bool) -> None:
    client_id = register(served)
    page = browser.new_context(java_script_enabled=scripts).new_page()
    with listening() as program, httpx2.Client(base_url=served.url, headers=bearer(served.token)) as client:
        asked = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": program.redirect_uri,
            "scope": "linodes:read_write domains:read_only",
            "state": "a b&c",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        page.goto(f"{served.url}/oauth/authorize?{urlencode(asked)}")
        sign_in(page)
        assert page.get_by_role("heading", name="Let Example Program in?").is_visible()
        if scripts:
            assert_for_everybody(page, "consent")
        page.get_by_label("linodes:read_write").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("http://localhost:*/done")
        [answer] = program.answers
        assert (answer["state"], answer["iss"]) == ("a b&c", served.url)

        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": answer["code"],
            "redirect_uri": program.redirect_uri,
            "code_verifier": VERIFIER,
        }
        issued = client.post("/oauth/token", data=form, headers={"Authorization": ""}).json()
        assert issued["scope"] == "domains:read_only"
        given = bearer(issued["access_token"])
        answer_of_verify = client.get("/verify?scope=domains:read_only", headers=given)
        assert (answer_of_verify.status_code, answer_of_verify.headers["x-auth-client-id"]) == (200, client_id)
        [app] = [each for each in client.get("/v4/profile/apps").json()["data"] if each["label"] == "Example Program"]
        assert client.delete(f"/v4/profile/apps/{app['id']}").status_code == 200
        assert client.get("/verify", headers=given).status_code == 401
        tokenry("admin", "client", "delete", client_id, "--yes", "--data-dir", str(served.data_dir))


def test_cancelling_leads_back_and_errors_are_accessible(served: Server, browser: Browser) -> None:
    client_id = register(served)
    page = browser.new_context().new_page()
    with listening() as program:
        asked = {"client_id": client_id, "response_type": "code", "redirect_uri": program.redirect_uri}
        challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        page.goto(f"{served.url}/oauth/authorize?{urlencode({**asked, **challenge})}")
        assert_for_everybody(page, "sign-in")
        sign_in(page)
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_url("http://localhost:*/done")
        assert [answer["error"] for answer in program.answers] == ["access_denied"]
        page.goto(f"{served.url}/oauth/authorize?client_id={client_id}&redirect_uri=https://evil.example")
        assert page.get_by_role("heading", name="This application cannot be let in").is_visible()
        assert_for_everybody(page, "refusal")

"""`/verify`, `/healthz` and `/readyz`."""

from typing import NoReturn

import pytest
from sqlalchemy import Connection

from tests.api.parts import IDENTITY, new_bearer
from tests.conftest import App
from tokenry.domain.errors import TooSlow
from tokenry.serving import health
from tokenry.storage.schema import metadata
from tokenry.wiring import open_installation


def test_valid_token_says_who_it_is(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    headers = new_bearer(app, scopes="volumes:read_only,account:read_write", expiry="2030-01-01T00:00:00")
    answer = app.client.get("/verify", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [answer.headers[f"x-auth-{name}"] for name in IDENTITY] == [
        "admin",
        "1",
        "1",
        "2",
        "account:read_write volumes:read_only",
        "1893456000",
        "",
        "",
    ]


def test_expiry_that_is_never_is_sent_empty(app: App) -> None:
    assert app.client.get("/verify", headers=app.bearer).headers["x-auth-expires"] == ""


def test_no_token_is_challenged_without_an_error(app: App) -> None:
    answer = app.client.get("/verify")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="tokenry"')


@pytest.mark.parametrize("value", ["Bearer x", "Bearer", "Basic eDp5", "", "Bearer pat_" + "A" * 50])
def test_wrong_token_is_told_one_thing_only(app: App, value: str) -> None:
    answer = app.client.get("/verify", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="tokenry", error="invalid_token", error_description="Malformed, unknown, expired or revoked"'
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?scope=linodes:read_only", 200),
        ("?scope=linodes:read_write", 403),
        ("?scope=linodes:read_only&scope=volumes:read_write", 200),
        ("?scope=linodes:read_only&scope=domains:read_only", 403),
        ("?scope=linodes:read_only%20volumes:read_only", 200),
        ("?scope=*", 403),
        ("?scope=", 400),
        ("?scope=linode:read_only", 400),
        ("?scopes=linodes:read_only", 400),
        ("?scope", 400),
    ],
)
def test_needed_scopes(app: App, query: str, status: int) -> None:
    headers = new_bearer(app, scopes="linodes:read_only volumes:read_write")
    assert app.client.get(f"/verify{query}", headers=headers).status_code == status


def test_insufficient_scope_names_what_is_needed(app: App) -> None:
    headers = new_bearer(app, scopes="linodes:read_only")
    answer = app.client.get("/verify?scope=domains:read_only", headers=headers)
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="tokenry", error="insufficient_scope", scope="domains:read_only"'
    )
    assert "x-auth-user" not in answer.headers


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 200), ("DELETE", 405), ("OPTIONS", 405)])
def test_methods(app: App, method: str, status: int) -> None:
    assert app.client.request(method, "/verify", headers=app.bearer).status_code == status


def test_verification_writes_nothing(app: App) -> None:
    installation = open_installation(app.settings)

    def count() -> list[int]:
        with installation.database.read() as connection:
            return [len(connection.execute(table.select()).all()) for table in metadata.sorted_tables]

    before = count()
    app.client.get("/verify", headers=app.bearer)
    assert count() == before
    installation.database.close()


def test_health(app: App) -> None:
    assert app.client.get("/healthz").json() == {"status": "ok"}
    assert app.client.get("/readyz").json() == {"status": "ready"}


def test_database_that_lacks_its_tables_is_not_ready_and_never_a_yes(app: App) -> None:
    installation = open_installation(app.settings)
    with installation.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE credentials")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'other'")
    installation.database.close()
    assert app.client.get("/readyz").status_code == 503
    assert app.client.get("/verify", headers=app.bearer).status_code == 503


def test_database_that_takes_too_long_is_not_ready(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_slowly(connection: Connection) -> NoReturn:
        raise TooSlow

    monkeypatch.setattr(health, "is_current", read_slowly)
    answer = app.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "reason": "the database does not answer"}

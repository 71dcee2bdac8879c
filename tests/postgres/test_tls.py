"""`sslmode` up to `verify-full` means the same to management and to verification.

The wheel's servers have no TLS, PgBouncer has.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import make_certificate
from tests.postgres.conftest import Installation
from tests.postgres_servers import PgBouncer, PostgresServer, address_of, pooled
from tokenry.domain.errors import SetupError, Unavailable

TOKENS = "/v4/profile/tokens"


@pytest.fixture(scope="module")
def authority(primary: PostgresServer) -> Path:
    """The file of a certificate for 127.0.0.1, its own authority; the key is beside it."""
    made = make_certificate(primary.directory, "IP:127.0.0.1")
    made.key.chmod(0o644)  # PgBouncer may run as another user
    return made.file


@pytest.fixture(scope="module")
def secure_pooler(primary: PostgresServer, authority: Path) -> Iterator[PgBouncer]:
    """PgBouncer that speaks TLS only."""
    with pooled(
        primary,
        client_tls_sslmode="require",
        client_tls_cert_file=str(authority),
        client_tls_key_file=str(authority.with_name("key.pem")),
    ) as pooler:
        yield pooler


@pytest.mark.long
@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_both_connect_with_tls_to_a_server_that_is_vouched_for(
    installation: Installation, secure_pooler: PgBouncer, authority: Path, mode: str
) -> None:
    address = address_of(secure_pooler, sslmode=mode, sslrootcert=str(authority))
    with installation.opened(address) as client:
        assert client.post(TOKENS, json={}).status_code == 200
        assert client.get("/verify").status_code == 200
        clients = [row for row in secure_pooler.ask("SHOW CLIENTS") if row["database"] != "pgbouncer"]
    assert len(clients) >= 2
    assert all(row["tls"].startswith("TLSv1.3") for row in clients)


@pytest.mark.parametrize(
    "parameters",
    [
        "sslmode=verify-full&hostaddr=127.0.0.1&host=name.invalid",
        "sslmode=verify-ca&sslrootcert=system",
        "sslmode=verify-full&sslrootcert=/nowhere.pem",
        "sslmode=disable",
    ],
)
def test_neither_connects_to_a_server_that_is_not(
    installation: Installation, secure_pooler: PgBouncer, authority: Path, parameters: str
) -> None:
    root = "" if "sslrootcert" in parameters else f"&sslrootcert={authority}"
    address = address_of(secure_pooler).replace("host=127.0.0.1&", "" if "host=" in parameters else "host=127.0.0.1&")
    with pytest.raises((SetupError, Unavailable)), installation.opened(f"{address}&{parameters}{root}"):
        pass

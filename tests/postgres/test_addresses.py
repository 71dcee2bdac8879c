"""Whatever libpq takes in an address means the same to management and to verification."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest

from tests.postgres.conftest import Installation, install
from tests.postgres_servers import DATABASE, HOST, PASSWORD, ROLE, PostgresServer, address_of
from tokenry.domain.errors import SetupError, Unavailable

TOKENS = "/v4/profile/tokens"
ODD_ROLE = "odd role"
ODD_PASSWORD = r"p@ss:w/rd%#?&+ \x=é'"
SESSIONS = "SELECT pid, usename, datname, application_name, client_addr IS NULL FROM pg_stat_activity"


class Session(NamedTuple):
    """What the server sees of a connection."""

    role: str
    database: str
    application: str
    on_socket: bool = False


@pytest.fixture(scope="session")
def odd_role(primary: PostgresServer) -> None:
    """Another role that may do what the first one may, with a password of special characters."""
    quoted = ODD_PASSWORD.replace("'", "''")
    primary.ask(f"CREATE ROLE \"{ODD_ROLE}\" LOGIN PASSWORD '{quoted}' IN ROLE {ROLE}")


@pytest.fixture
def sessions(installation: Installation, primary: PostgresServer) -> Callable[[str], list[Session]]:
    """A function that lets a service write and verify through an address; its connections, as the server sees them."""

    def use(address: str) -> list[Session]:
        others = [row[0] for row in primary.ask(SESSIONS)]
        with installation.opened(address) as client:
            made = client.post(TOKENS, json={})
            assert made.status_code == 200
            bearer = {"Authorization": f"Bearer {made.json()['token']}"}
            assert client.get("/verify", headers=bearer).status_code == 200
            assert client.get("/readyz").status_code == 200
            rows = primary.ask(f"{SESSIONS} WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        return [Session(*row[1:]) for row in rows if row[0] not in others]

    return use


class Form(NamedTuple):
    """One way to write an address, and what it leads to."""

    address: str
    role: str = ROLE
    application: str = "tokenry"
    on_socket: bool = False


FORMS = {
    "password": Form("postgresql://odd%20role:{odd}@{host}:{port}/{db}", ODD_ROLE),
    "everything in the query": Form(
        "postgresql://?user=odd%20role&password={odd}&dbname={db}&host={host}&port={port}", ODD_ROLE
    ),
    "query over authority": Form(
        "postgresql://nobody:wrong@{host}:{port}/none?user=odd%20role&password={odd}&dbname={db}", ODD_ROLE
    ),
    "service": Form("postgresql:///?service=ours", ODD_ROLE, "of the service"),
    "passfile": Form("postgresql://odd%20role@{host}:{port}/{db}?passfile={folder}/passes", ODD_ROLE),
    "socket in the query": Form("postgresql://{role}:{password}@/{db}?host={socket}&port={port}", on_socket=True),
    "socket as the host": Form("postgresql://{role}:{password}@{quoted_socket}:{port}/{db}", on_socket=True),
    "short scheme": Form("postgres://{role}:{password}@{host}:{port}/{db}"),
    "driver": Form("postgresql+psycopg://{role}:{password}@{host}:{port}/{db}"),
    "another driver": Form("postgresql+psycopg2://{role}:{password}@{host}:{port}/{db}"),
    "application": Form("{ordinary}?application_name=a%20b%2Fc", application="a b/c"),
    "fallback": Form("{ordinary}?fallback_application_name=other", application="other"),
    "times": Form("{ordinary}?connect_timeout=2&keepalives=1&keepalives_idle=9&tcp_user_timeout=900"),
    "no TLS": Form("{ordinary}?sslmode=disable"),
    "TLS if there is any": Form("{ordinary}?sslmode=prefer&gssencmode=disable"),
    "authentication": Form("{ordinary}?require_auth=scram-sha-256"),
    "address beside the name": Form("postgresql://{role}:{password}@name.invalid:{port}/{db}?hostaddr={host}"),
}


@pytest.fixture
def places(
    primary: PostgresServer, odd_role: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """What the addresses are completed with; there are files of libpq's, too."""
    escaped = ODD_PASSWORD.replace("\\", r"\\").replace(":", r"\:")
    passes = tmp_path / "passes"
    passes.write_text(f"{HOST}:1:*:*:wrong\n*:{primary.port}:{DATABASE}:{ODD_ROLE}:{escaped}\n", "utf-8")
    passes.chmod(0o600)
    service = {"host": HOST, "port": primary.port, "dbname": DATABASE, "user": ODD_ROLE, "password": ODD_PASSWORD}
    lines = [f"{key}={value}" for key, value in {**service, "application_name": "of the service"}.items()]
    (tmp_path / "services").write_text("\n".join(["[ours]", *lines, ""]), "utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    return {
        "host": HOST,
        "port": primary.port,
        "db": DATABASE,
        "role": ROLE,
        "password": PASSWORD,
        "odd": quote(ODD_PASSWORD, safe=""),
        "folder": tmp_path,
        "socket": primary.directory,
        "quoted_socket": quote(str(primary.directory), safe=""),
        "ordinary": f"postgresql://{ROLE}:{PASSWORD}@{HOST}:{primary.port}/{DATABASE}",
    }


@pytest.mark.parametrize("name", FORMS)
def test_address_means_the_same_to_management_and_to_verification(
    sessions: Callable[[str], list[Session]], places: dict[str, object], name: str
) -> None:
    form = FORMS[name]
    seen = sessions(form.address.format(**places))
    assert set(seen) == {Session(form.role, DATABASE, form.application, form.on_socket)}
    assert len(seen) >= 2, "one for management, one for verification"


def test_variables_of_libpq_complete_the_address(
    sessions: Callable[[str], list[Session]], primary: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"PGPASSWORD": PASSWORD, "PGPORT": str(primary.port), "PGHOST": HOST, "PGAPPNAME": "of a variable"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    seen = sessions(f"postgresql://{ROLE}@/{DATABASE}")
    assert set(seen) == {Session(ROLE, DATABASE, "of a variable")}
    assert len(seen) >= 2


def test_search_path_in_the_options_leads_both_to_the_same_tables(
    primary: PostgresServer, new_database: str, tmp_path: Path
) -> None:
    primary.ask(f"CREATE SCHEMA moved AUTHORIZATION {ROLE}", database=new_database)
    address = address_of(primary, database=new_database, options="-csearch_path=moved")
    with install(address, tmp_path / "data").opened(address) as client:
        assert client.get("/verify").status_code == 200
    schemas = primary.ask(
        "SELECT DISTINCT schemaname FROM pg_tables WHERE tableowner = %s", ROLE, database=new_database
    )
    assert schemas == [("moved",)], "there is nothing to verify by anywhere else"


@pytest.mark.parametrize(
    "parameter",
    [
        "sslmode=require",
        "channel_binding=require",
        "require_auth=password",
        "ssl_min_protocol_version=TLSv1.3&sslmode=require",
    ],
)
def test_what_the_server_cannot_meet_connects_neither_of_both(
    installation: Installation, primary: PostgresServer, parameter: str
) -> None:
    """A downgrade that nobody sees would be worse."""
    address = f"postgresql://{ROLE}:{PASSWORD}@{HOST}:{primary.port}/{DATABASE}?{parameter}"
    with pytest.raises((SetupError, Unavailable)), installation.opened(address):
        pass


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ("/{db}?sslmodus=require", "sslmodus"),
        ("/{db}?sslmode=sometimes", "sslmode"),
        ("/{db}?connect_timeout=soon", "connect_timeout"),
        ("/{db}?application_name=a&application_name=b", "twice"),
        (":port/{db}", "port"),
        (":70000/{db}", "port"),
    ],
)
def test_address_that_cannot_be_meant_is_refused_in_words(
    installation: Installation, primary: PostgresServer, rest: str, fault: str
) -> None:
    address = f"postgresql://{ROLE}:{PASSWORD}@{HOST}{rest.format(db=DATABASE)}"
    with pytest.raises((SetupError, Unavailable), match=fault) as refused, installation.opened(address):
        pass
    assert PASSWORD not in str(refused.value)

"""The file of OpenID providers: what it may say, and every way in which it is wrong, in words."""

from pathlib import Path

import pytest

from tokenry.domain.errors import SetupError
from tokenry.domain.providers import PROVIDERS_MAX, Provider
from tokenry.domain.scopes import Scopes
from tokenry.storage.providers import BYTES_MAX, read_providers

ACME = '[acme]\nissuer = "https://login.acme.example"\nclient_id = "tokenry"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "providers.toml"


def fault_of(file: Path, text: str | bytes) -> str:
    """What is said of a file that is wrong."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(0o644)  # whatever the mask of this process is by now
    with pytest.raises(SetupError) as refusal:
        read_providers(file)
    told = str(refusal.value)
    assert str(file) in told
    assert "\n" not in told or isinstance(text, bytes)
    return told


def test_least_that_a_table_needs_opens_nothing_to_strangers(file: Path) -> None:
    file.write_text(ACME)
    [provider] = read_providers(file)
    assert provider == Provider(name="acme", label="acme", issuer="https://login.acme.example", client_id="tokenry")
    assert (provider.create_users, provider.link_by_verified_email, provider.admin_claim) == (False, False, None)


def test_all_that_a_table_may_have_is_read_in_the_order_of_the_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame\n")
    file.write_text(
        '[z]\nissuer = "http://127.0.0.1:3000"\nclient_id = "a"\nclient_secret_file = "secret"\nlabel = "Zoë & Co"\n'
        'scopes = ["openid", "email"]\nusername_claim = "nick"\nemail_claim = "email"\naccount = "Analytical"\n'
        'ceiling = "linodes:read_only"\n'
        'admin_claim = "groups"\nadmin_value = "ops"\ncreate_users = true\nlink_by_verified_email = true\n'
        '[b]\nissuer = "https://b.example/tenant/"\nclient_id = "b"\naccount_claim = "org"\n'
    )
    z, b = read_providers(file)
    assert z == Provider(
        name="z",
        label="Zoë & Co",
        issuer="http://127.0.0.1:3000",
        client_id="a",
        client_secret="sesame",
        scopes=("openid", "email"),
        username_claim="nick",
        account="Analytical",
        admin_claim="groups",
        admin_value="ops",
        ceiling=Scopes.parse("linodes:read_only"),
        create_users=True,
        link_by_verified_email=True,
    )
    assert (b.name, b.account, b.account_claim) == ("b", None, "org")
    assert "sesame" not in repr(z)


def test_every_fault_is_told_at_once_and_no_secret(file: Path) -> None:
    told = fault_of(
        file,
        'stray = 1\n[Acme]\nclient_secret = "sesame"\nclient_secret_file = "gone"\nscopes = ["email"]\n'
        'colour = "red"\ncreate_users = "yes"\nadmin_claim = "groups"\naccount = "a"\naccount_claim = "b"\n',
    )
    for words in (
        "stray stands outside a table",
        "[Acme] is not a name",
        "[Acme] has unknown keys: colour",
        "[Acme] needs issuer",
        "[Acme] needs client_id",
        '[Acme] scopes has to be a list of texts with "openid" in it',
        "[Acme] create_users has to be true or false",
        "[Acme] has client_secret and client_secret_file: keep one of them",
        "[Acme] has account and account_claim: keep one of them",
        "[Acme] needs admin_claim and admin_value together",
        "[Acme] client_secret_file gone cannot be read (No such file or directory)",
        f"run chmod 600 {file}",
    ):
        assert words in told
    assert "sesame" not in told


@pytest.mark.parametrize(
    "issuer",
    [
        "login.acme.example",
        "http://login.acme.example",
        "http://127.0.0.1.acme.example",
        "https://user@login.acme.example",
        "https://login.acme.example?tenant=1",
        "https://login.acme.example#a",
        "https://login.acme.example:port",
        "https://[::1",
        "https://",
        "https://zoë.example",
        "",
    ],
)
def test_issuer_that_is_no_safe_address_is_refused(file: Path, issuer: str) -> None:
    assert "issuer has to be https://…" in fault_of(file, f'[a]\nissuer = "{issuer}"\nclient_id = "x"\n')


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_file_with_a_secret_that_others_can_open_is_refused(file: Path, mode: int) -> None:
    file.write_text(f'{ACME}client_secret = "sesame"\n')
    file.chmod(mode)
    with pytest.raises(SetupError, match="has a client_secret, and others than its owner can open it"):
        read_providers(file)
    file.chmod(0o600)
    assert read_providers(file)[0].client_secret == "sesame"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff", "is not UTF-8"),
        (b"[acme", "is not TOML"),
        (b"a = " + b"[" * 3000, "brackets too deep"),
        (b"a = " + b"9" * 5000, "a number too long"),
        (b"#" * (BYTES_MAX + 1), "so it cannot be the right file"),
        (b"acme = 1", "stands outside a table"),
        (f"{ACME}{ACME.replace('[acme]', '[other]')}".encode(), "[other] has the issuer of [acme]"),
        (f'{ACME}link_by_verified_email = true\nemail_claim = "upn"\n'.encode(), "needs the claim email"),
        (f'{ACME}ceiling = "everything"\n'.encode(), "ceiling has to be scopes such as linodes:read_only"),
        (f'{ACME}ceiling = ""\n'.encode(), "ceiling has to be scopes such as linodes:read_only"),
        (f'{ACME}label = ""\n'.encode(), "label has to be a text"),
    ],
)
def test_other_files_are_refused_in_words(file: Path, text: bytes, words: str) -> None:
    assert words in fault_of(file, text)


def test_more_providers_than_a_page_can_show_are_refused(file: Path) -> None:
    tables = [f'[p{n}]\nissuer = "https://p{n}.example"\nclient_id = "x"\n' for n in range(PROVIDERS_MAX + 1)]
    assert "more than 20 tables" in fault_of(file, "".join(tables))


def test_secret_in_a_file_that_is_empty_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    told = fault_of(file, f'{ACME}client_secret_file = "secret"\n')
    assert "[acme] client_secret_file secret has to be one line with the secret" in told


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SetupError, match=r"cannot be read \(No such file or directory\): correct TOKENRY_PROVIDERS_FILE"
    ):
        read_providers(tmp_path / "none")

"""Nothing that opens a door is found where it does not belong: database, log, audit, messages of the program."""

import base64
import copy
import json
import pickle
import re
import select
import sqlite3
import stat
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from tests.description import CHECKED
from tests.servers import Server, serving, tokenry
from tokenry.domain.accounts import Actor
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import HIDDEN_LENGTH, Peppers, Secret
from tokenry.settings import Settings
from tokenry.verification.verifier import Decision

TOKENS = "/v4/profile/tokens"
RUN = 20


@dataclass
class Used:
    """A service after many requests: the tokens it knows, and one that a user wrote into a label."""

    server: Server
    tokens: list[str]
    label: str
    statuses: set[int]


def traces(token: str) -> set[bytes]:
    """Every form in which a token must not be found: runs of its secret part, and its plain hash."""
    secret = token[-HIDDEN_LENGTH:].encode("ascii")
    plain = sha256(token.encode("ascii"))
    hexadecimal = {plain.hexdigest().encode(), plain.hexdigest().upper().encode()}
    return {secret[at : at + RUN] for at in range(len(secret) - RUN + 1)} | {plain.digest()} | hexadecimal


def pepper_traces(data_dir: Path) -> set[bytes]:
    written = (data_dir / "pepper.key").read_bytes().strip()
    raw = base64.b64decode(written)
    return {written, raw, raw.hex().encode(), raw.hex().upper().encode(), base64.urlsafe_b64encode(raw)}


def found(content: bytes, tokens: list[str], data_dir: Path) -> set[bytes]:
    wanted = pepper_traces(data_dir).union(*(traces(token) for token in tokens))
    return {trace for trace in wanted if trace in content}


def drive(server: Server, tokens: list[str], label: str) -> set[int]:
    """Ask every route, well and badly, with tokens everywhere that a token can be put."""
    statuses = set()
    with httpx2.Client(base_url=server.url, timeout=20, event_hooks=CHECKED) as client:
        for token in tokens:
            good = {"Authorization": f"Bearer {token}"}
            bodies = ({"label": token * 3}, {"scopes": token}, {"expiry": token}, {"label": [token]}, {token: token})
            headers: list[dict[str, str]] = [{}, good]
            headers += [{"Authorization": value} for value in (token, f"Token {token}", f"Bearer {token}x")]
            headers += [{**good, "X-Filter": token}, {**good, "X-Filter": json.dumps({token: 1})}]
            headers += [{**good, "X-Request-Id": token}]
            for header in headers:
                for path in ("/verify", TOKENS, f"{TOKENS}/1", "/healthz", "/readyz", f"{TOKENS}/{token}", f"/{token}"):
                    for query in ("", f"?scope={token}", f"?page={token}", f"?{token}"):
                        statuses.add(client.get(path + query, headers=header).status_code)
            for body in bodies:
                statuses.add(client.post(TOKENS, headers=good, json=body).status_code)
                statuses.add(client.put(f"{TOKENS}/{token}", headers=good, json=body).status_code)
            statuses.add(client.post(TOKENS, headers=good, content=token.encode()).status_code)
            for form in ({"token": token}, {"token": f"{token}x", token: "1"}, {"token": "x", "address": token}):
                statuses.add(client.post("/oauth/introspect", headers=good, data=form).status_code)
            statuses.add(client.post("/oauth/revoke", headers=good, data={"token": f"{token}x"}).status_code)
            for path in ("/verify/explain", "/verify/batch"):
                asked = {"token": token, "tokens": [token]}
                statuses.add(client.post(path, headers=good, json=asked).status_code)
                statuses.add(client.post(path, headers=good, json={**asked, "scope": token}).status_code)
            keyed = {**good, "Idempotency-Key": token}
            statuses.add(client.post(TOKENS, headers=keyed, json={}).status_code)
            statuses.add(client.post(f"{TOKENS}/1/rotate", headers=good, json={"activate": token}).status_code)
            for reported in (token, [token, 1]):  # a report that is understood would revoke it
                statuses.add(client.post("/v4/credentials/revoke", json={"credentials": reported}).status_code)
            statuses.add(client.request(token[:20], TOKENS, headers=good).status_code)
        good = {"Authorization": f"Bearer {tokens[0]}"}
        statuses.add(client.put(f"{TOKENS}/1", headers=good, json={"label": label}).status_code)
    return statuses


def break_database(server: Server, unseen: list[str], label: str) -> set[int]:
    """Ask while tables are missing (503) and while a row is wrong (500); mend both.

    Each time with a token that the service has not verified before, so that it must look.
    """
    statuses = set()
    with closing(sqlite3.connect(server.data_dir / "tokenry.db", isolation_level=None)) as connection:
        for token, damage, repair in (
            (unseen[0], "ALTER TABLE credentials RENAME TO gone", "ALTER TABLE gone RENAME TO credentials"),
            (unseen[1], "ALTER TABLE audit_events RENAME TO gone", "ALTER TABLE gone RENAME TO audit_events"),
            (unseen[2], "UPDATE credentials SET pepper_generation = 9", "UPDATE credentials SET pepper_generation = 1"),
        ):
            bearer = {"Authorization": f"Bearer {token}"}
            connection.execute(damage)
            statuses.add(httpx2.get(f"{server.url}/verify", headers=bearer).status_code)
            statuses.add(httpx2.post(f"{server.url}{TOKENS}", headers=bearer, json={"label": label}).status_code)
            connection.execute(repair)
    return statuses


def replace_secrets(server: Server) -> list[str]:
    """Repeat, rotate, use and report tokens; every text that was handed out."""
    headers = {"Authorization": f"Bearer {server.token}", "Idempotency-Key": "once"}
    texts = []
    with httpx2.Client(base_url=server.url, timeout=20, event_hooks=CHECKED) as client:
        for _ in range(2):
            created = client.post(TOKENS, headers=headers, json={"label": "rotated"}).json()
            texts.append(created["token"])
        for body in ({}, {"grace": 60}, {"grace": 0, "activate": "now"}):
            bearer = {"Authorization": f"Bearer {texts[-1]}"}
            texts.append(client.post(f"{TOKENS}/{created['id']}/rotate", headers=bearer, json=body).json()["token"])
        assert client.post("/v4/credentials/revoke", json={"credentials": texts}).status_code == 202
        assert client.get("/verify", headers={"Authorization": f"Bearer {texts[-1]}"}).status_code == 401
    return texts


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    with serving(tmp_path_factory.mktemp("secrecy") / "data", "--log-level", "debug") as server:
        bearer = {"Authorization": f"Bearer {server.token}"}
        made = [httpx2.post(f"{server.url}{TOKENS}", headers=bearer, json={}).json()["token"] for _ in range(2)]
        create = ("admin", "token", "create", "--user", "admin", "--expires", "1d", "--data-dir", str(server.data_dir))
        issued, *unseen = (tokenry(*create).stdout.strip() for _ in range(4))
        tokens = [server.token, made[0], issued]
        replaced = replace_secrets(server)
        statuses = drive(server, tokens, made[1]) | break_database(server, unseen, made[0])
        yield Used(server, [*tokens, *unseen, *replaced], made[1], statuses)


def test_every_kind_of_failure_took_part(used: Used) -> None:
    assert used.statuses >= {200, 400, 401, 404, 500, 503}


def test_database_holds_nothing_that_opens_it(used: Used) -> None:
    files = sorted(used.server.data_dir.glob("tokenry.db*"))
    assert [file.name for file in files] == ["tokenry.db", "tokenry.db-epoch", "tokenry.db-shm", "tokenry.db-wal"]
    for file in files:
        assert found(file.read_bytes(), used.tokens, used.server.data_dir) == set()


def test_log_holds_nothing_that_opens_it(used: Used) -> None:
    assert used.server.log.count("\n") > 100
    assert found(used.server.log.encode(), [*used.tokens, used.label], used.server.data_dir) == set()


def test_log_masks_a_token_that_is_part_of_a_longer_word(used: Used) -> None:
    token = used.tokens[0]
    httpx2.get(f"{used.server.url}/nowhere", headers={"X-Request-Id": f"id_{token}"})
    httpx2.get(f"{used.server.url}/nowhere", headers={"X-Request-Id": "the-one-after"})
    deadline = time.monotonic() + 10  # the line follows the answer
    while "the-one-after" not in used.server.log:
        assert time.monotonic() < deadline
    assert token not in used.server.log


def test_nothing_is_printed_after_the_first_words(used: Used) -> None:
    assert select.select([used.server.output], [], [], 0) == ([], [], [])


def test_audit_holds_nothing_that_opens_it(used: Used) -> None:
    done = tokenry("admin", "audit", "list", "--limit", "1000", "--data-dir", str(used.server.data_dir))
    assert done.stdout.count("\n") > 5
    assert found((done.stdout + done.stderr).encode(), used.tokens, used.server.data_dir) == set()


def test_files_are_for_their_owner_alone_also_while_in_use(used: Used) -> None:
    assert stat.S_IMODE(used.server.data_dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in used.server.data_dir.iterdir()} == {0o600}


def shown(value: object) -> str:
    """Whatever Python prints of a value by itself, also in the last line of a traceback."""
    try:
        raise ValueError(value)  # noqa: TRY301 - the traceback is what is looked at
    except ValueError as error:
        trace = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    return f"{value!r} {value!s} {value} {[value]} {trace}"


def test_secret_does_not_print_itself() -> None:
    secret = Secret.generate()
    assert not [trace for trace in traces(secret.reveal()) if trace in shown(secret).encode()]


def test_secret_is_never_serialised() -> None:
    for serialise in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="never serialised"):
            serialise(Secret.generate())


def test_peppers_are_never_serialised() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Peppers((bytes(32),)))


def test_exception_raised_while_a_secret_is_at_hand_does_not_show_it() -> None:
    secret, peppers = Secret.generate(), Peppers((bytes(range(65, 97)),))
    with pytest.raises(LookupError) as caught:
        peppers.opens(secret, b"", 2)
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(trace.format()).encode()
    assert not [form for form in {*traces(secret.reveal()), bytes(range(65, 85))} if form in text]


def test_peppers_do_not_print_themselves() -> None:
    key = bytes(range(65, 97))
    text = shown(Peppers((key,)))
    assert not [form for form in (repr(key)[2:22], key.hex(), base64.b64encode(key).decode()) if form in text]


def test_settings_do_not_print_the_password_of_the_database() -> None:
    assert "sesame" not in shown(Settings(database_url="postgresql://tokenry:sesame@db/tokenry"))


def test_decision_and_actor_name_the_token_by_its_id_and_public_part_only() -> None:
    actor = Actor(7, EVERYTHING, 1_900_000_000, 1, "admin", 1, "EUUID", "pat_0123456789ab")
    assert not re.search(r"pat_[0-9A-Za-z]{13}", shown(actor) + shown(Decision(actor)))

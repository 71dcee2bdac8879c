"""tokenry on PostgreSQL against nginx, against bare look-ups on its own driver, and against bare inserts."""

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import uvloop
from sqlalchemy import URL

from bench.errors import BenchmarkError
from bench.load import Load, Run, prepare_load
from bench.machine import Cores, find_program
from bench.measures import CREATE, LARGE, SMALL, VERIFY
from bench.postgres import make_database, postgres, program
from bench.report import Comparison, Verdict, by_cpu, by_requests, median_ratio, medians
from bench.servers import Server, tokenry
from bench.stock import Stock, fill
from tokenry.settings import Settings
from tokenry.storage.credentials import postgres_statement
from tokenry.storage.database import database_url
from tokenry.storage.postgres import parameters_of
from tokenry.verification.postgres import PostgresCredentials
from tokenry.wiring import prepare

TOGETHER = 64
"""Look-ups that wait at the same time."""
MAKERS = 16
_BATCHES = 400
_WARM_UP_SECONDS = 1
_TABLES = ("accounts", "users", "tokens", "credentials")
_BARE = """\
BEGIN;
INSERT INTO tokens (user_id, label, label_folded, scopes, preview, created_at, expires_at)
VALUES (1, 'bare', 'bare', '*', 'pat_bare', 1, 9999999999) RETURNING id AS token \\gset
INSERT INTO credentials (preview, token_id, digest, pepper_generation, expires_at)
VALUES ('b' || left(md5(random()::text || :token), 15), :token, '\\x00', 1, 9999999999);
INSERT INTO audit_events (at, actor, action, subject, details)
VALUES (1, 'admin', 'token.create', 'token\\:' || :token, '{}');
COMMIT;
"""
_BARE_SQLITE = """\
INSERT INTO tokens (user_id, label, label_folded, scopes, preview, created_at, expires_at)
VALUES (1, 'bare', 'bare', '*', 'pat_bare', 1, 9999999999);
INSERT INTO credentials (preview, token_id, digest, pepper_generation, expires_at)
VALUES (substr(hex(randomblob(8)), 1, 16), last_insert_rowid(), x'00', 1, 9999999999);
INSERT INTO audit_events (at, actor, action, subject, details)
VALUES (1, 'admin', 'token.create', 'token:1', '{}');
"""


def compare_postgres(folder: Path, static: Server, cores: Cores, *, rounds: int, seconds: int) -> list[Comparison]:
    """Verification with a thousand and a million tokens, look-ups without HTTP, and creations on both engines."""
    found: list[Comparison] = []
    folder.mkdir()
    with postgres(folder / "server") as server:
        for stored in (SMALL, LARGE):
            stock = fill(folder / f"data-{stored}", stored)
            url = _copy(stock, make_database(server, f"stored_{stored}"))
            address = url.render_as_string(hide_password=False)
            load = prepare_load(folder / "requests", VERIFY, stock.known, cores.load)
            with tokenry(stock.data_dir, cores.server, "--database-url", address) as service:
                found.append(_compare_verification(service, static, load, stored, rounds=rounds, seconds=seconds))
                if stored == SMALL:
                    makers = replace(
                        prepare_load(folder / "makers", CREATE, stock.known, cores.load), connections=MAKERS
                    )
                    bare = [_make_bare(folder, url, cores.server, seconds) for _ in range(rounds)]
                    found.append(_compare_creations(service, makers, bare, "PostgreSQL", seconds))
            if stored == LARGE:
                found.append(uvloop.run(_compare_look_ups(url, stock)))
            if stored == SMALL:
                bare = [_make_bare_in_sqlite(stock.data_dir / "tokenry.db", seconds) for _ in range(rounds)]
                with tokenry(stock.data_dir, cores.server) as service:
                    found.append(_compare_creations(service, makers, bare, "SQLite", seconds))
    return found


def _copy(stock: Stock, url: URL) -> URL:
    """Put what a stock has in SQLite into PostgreSQL, with the same pepper."""
    address = url.render_as_string(hide_password=False)
    prepare(Settings(data_dir=stock.data_dir, database_url=address))
    with (
        closing(sqlite3.connect(stock.data_dir / "tokenry.db")) as source,
        psycopg.connect(address, autocommit=True) as target,
    ):
        for table in _TABLES:
            rows = source.execute(f"SELECT * FROM {table}")
            columns = ", ".join(column[0] for column in rows.description)
            booleans = _booleans(target, table)
            with target.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    values = zip(rows.description, row, strict=True)
                    copy.write_row([bool(value) if name[0] in booleans else value for name, value in values])
            if table != "credentials":
                target.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        target.execute("ANALYZE")
    return database_url(address, stock.data_dir)


def _booleans(target: psycopg.Connection[tuple[object, ...]], table: str) -> set[object]:
    rows = target.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND data_type = 'boolean'", (table,)
    )
    return {row[0] for row in rows}


def _compare_verification(
    service: Server, static: Server, load: Load, stored: int, *, rounds: int, seconds: int
) -> Comparison:
    """Take turns with nginx, like every measure."""
    for each in (service, static):
        load.run(each, _WARM_UP_SECONDS)
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(rounds):
        theirs.append(load.run(static, seconds))
        ours.append(load.run(service, seconds))
    details = {"by_cpu": median_ratio(theirs, ours, by_cpu), "tokenry": medians(ours), "nginx": medians(theirs)}
    verdict = Verdict("requests of nginx's", median_ratio(ours, theirs, by_requests), at_least=0.15)
    return Comparison(f"GET /verify on PostgreSQL, {stored:,} stored", verdict, details)


async def _compare_look_ups(url: URL, stock: Stock) -> Comparison:
    """The same look-ups through what gathers them, and in a bare loop of the same statement on the same driver."""
    previews = [token.secret[:16] for token in stock.known]
    batches = [previews[start : start + TOGETHER] for start in range(0, _BATCHES * TOGETHER // 8, TOGETHER)]
    statement = postgres_statement().replace("$1", "%s")
    credentials = PostgresCredentials(url)
    ratios: list[float] = []
    async with await psycopg.AsyncConnection.connect("", autocommit=True, **parameters_of(url)) as connection:
        connection.prepare_threshold = 0
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await credentials.find(previews[0])
        for _ in range(7):
            started = time.perf_counter()
            for batch in batches:
                await (await connection.cursor(binary=True).execute(statement, (batch,))).fetchall()
            bare = time.perf_counter() - started
            started = time.perf_counter()
            for batch in batches:
                await asyncio.gather(*map(credentials.find, batch))
            ratios.append(bare / (time.perf_counter() - started))
    await credentials.close()
    verdict = Verdict("look-ups of the bare loop's", sorted(ratios)[len(ratios) // 2], at_least=0.80)
    return Comparison(f"{TOGETHER} look-ups at once, {stock.stored:,} stored", verdict, {"ratios": ratios})


def _compare_creations(service: Server, makers: Load, bare: Sequence[float], engine: str, seconds: int) -> Comparison:
    """Creations by so many connections, of the same three inserts without anything around them."""
    makers.run(service, _WARM_UP_SECONDS)
    rates = [makers.run(service, seconds).requests_per_second for _ in bare]
    ratios = sorted(ours / theirs for ours, theirs in zip(rates, bare, strict=True))
    verdict = Verdict("creations of bare inserts'", ratios[len(ratios) // 2], at_least=0.30)
    details = {"created_per_second": rates, "bare_per_second": list(bare)}
    return Comparison(f"POST /v4/profile/tokens on {engine}, {MAKERS} connections", verdict, details)


def _make_bare(folder: Path, url: URL, core: int, seconds: int) -> float:
    """How often in a second pgbench can insert what a creation inserts, from the service's core."""
    script = folder / "bare.sql"
    script.write_text(_BARE, "utf-8")
    command = [find_program("taskset"), "--cpu-list", str(core), program("pgbench"), "--no-vacuum"]
    command += ["--client", str(MAKERS), "--protocol", "prepared", "--time", str(seconds), "--file", str(script)]
    parameters = {name: str(value) for name, value in parameters_of(url).items() if name in ("host", "port")}
    command += ["--host", parameters["host"], "--username", url.username or "", url.database or ""]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 30)
    for line in run.stdout.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise BenchmarkError(f"pgbench gave no figure: {run.stderr}{run.stdout}")


def _make_bare_in_sqlite(file: Path, seconds: int) -> float:
    """How often in a second one connection can insert it; SQLite takes one transaction at a time."""
    statements = _BARE_SQLITE.split(";\n")[:-1]
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        made, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")
            made += 1
    return made / seconds

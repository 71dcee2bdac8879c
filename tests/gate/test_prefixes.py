"""The fast way and the ordinary one agree on tokens of any prefix, side by side on one connection."""

import re
from collections.abc import Iterator

import pytest

from tests.serving.conftest import serve
from tests.serving.parts import Served, fill, head
from tokenry.domain.secrets import checksum

PREFIX = "a_long_name_"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def prefixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("prefixed") / "data"
    if request.param == "sqlite":
        yield from serve(data_dir, None, token_prefix=PREFIX)
    else:
        from tests.conftest import new_database  # noqa: PLC0415

        with new_database(request.getfixturevalue("postgres")) as url:
            yield from serve(data_dir, url.render_as_string(hide_password=False), token_prefix=PREFIX)


def question(served: Served, presented: str) -> bytes:
    return head("GET /verify?scope=linodes:read_only", fill(served, f"Authorization: {presented}").decode("latin-1"))


def test_both_ways_agree_on_every_token(prefixed: Served) -> None:
    body = PREFIX + "A" * 44
    unknown = body + checksum(body)
    statuses = []
    for presented in (
        "Bearer {narrow}",
        "Bearer {revoked}",
        "Bearer {expired}",
        "Bearer {office}",
        "Bearer {here}",
        "Bearer  {narrow}",
        "bearer {narrow}",
        "Bearer {narrow}x",
        "Bearer {app}",
        "Bearer {good}",
        f"Bearer {unknown}",
        f"Bearer {unknown[:-1]}",
        f"Bearer pat_{unknown[-50:]}",
    ):
        raw = question(prefixed, presented)
        answer = prefixed.exchange([raw], fast=False)
        for _ in range(2):
            assert prefixed.exchange([raw], fast=True) == answer
        statuses.append(int(answer[0][9:12]))
    assert statuses == [200, 401, 401, 401, 200, 200, 200, 401, 200, 200, 401, 401, 401]
    assert prefixed.secrets["narrow"].startswith(PREFIX)


def test_prefixes_alternate_on_one_connection(prefixed: Served) -> None:
    names = ("narrow", "good", "app", "revoked", "narrow", "narrow", "unknown", "narrow") * 8
    raw = [question(prefixed, f"Bearer {{{name}}}") for name in names]
    fast, closed = prefixed.exchange(raw, fast=True)
    assert (fast, closed) == prefixed.exchange(raw, fast=False)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", fast)]
    assert statuses == [401 if name in {"revoked", "unknown"} else 200 for name in names]

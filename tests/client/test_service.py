"""Every operation, against the real service, in threads and in an event loop."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.client.conftest import NewClient
from tests.servers import Server
from tokenry.client import (
    BadRequest,
    Client,
    InsufficientScope,
    NotFound,
    NoToken,
    Scope,
    Secret,
    Token,
    TokenExpiresSoon,
    Unauthorized,
    where,
)


def revealed(token: Token) -> str:
    assert token.secret is not None
    return token.secret.reveal()


def test_created_token_is_whole_and_works(client: Client) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    token = client.tokens.create(label="made", scopes=["linodes:read_only"], expires_in=timedelta(days=30))
    assert (token.label, token.scopes) == ("made", ("linodes:read_only",))
    assert token.expiry is not None
    assert before + timedelta(days=30) <= token.expiry <= before + timedelta(days=30, minutes=1)
    assert before <= token.created <= token.expiry
    assert revealed(token)[:16] == token.preview
    verdict = client.verify(revealed(token), "linodes:read_only")
    assert (verdict.active, verdict.token_id, verdict.user) == (True, token.id, "admin")
    assert (verdict.scopes, verdict.expires) == (("linodes:read_only",), token.expiry)


def test_token_without_an_expiry_never_expires(client: Client) -> None:
    token = client.tokens.create(label="for good")
    assert token.expiry is None
    assert client.verify(revealed(token)).expires is None


def test_expiry_may_be_a_moment_in_any_zone(client: Client) -> None:
    moment = datetime(2090, 1, 1, 2, tzinfo=UTC).astimezone()
    assert client.tokens.create(expiry=moment).expiry == moment


@pytest.mark.parametrize(
    "named",
    [{"expiry": datetime(2090, 1, 1)}, {"expiry": datetime(2090, 1, 1, tzinfo=UTC), "expires_in": timedelta(1)}],  # noqa: DTZ001
    ids=["no zone", "two moments"],
)
def test_expiry_that_is_no_one_moment_is_refused_before_anything_is_sent(
    new_client: NewClient, named: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"zone|not both"):
        new_client("http://127.0.0.1:1", "x" * 40).tokens.create(**named)  # type: ignore[arg-type]


def test_read_token_is_the_created_one_without_its_secret(client: Client) -> None:
    made = client.tokens.create(label="read")
    read = client.tokens.get(made.id)
    assert read.secret is None
    assert (read.id, read.label, read.scopes, read.created, read.preview) == (
        made.id,
        "read",
        made.scopes,
        made.created,
        made.preview,
    )


def test_token_is_renamed(client: Client) -> None:
    token = client.tokens.create(label="before")
    assert token.rename("after").label == "after"
    assert client.tokens.rename(token.id, "later").label == "later"
    assert client.tokens.get(token.id).label == "later"


def test_revoked_token_is_refused_at_once(client: Client) -> None:
    first, second = client.tokens.create(), client.tokens.create()
    first.revoke()
    client.tokens.revoke(second.id)
    for token in (first, second):
        verdict = client.verify(revealed(token))
        assert (verdict.active, verdict.reason) == (False, "invalid")
        with pytest.raises(NotFound) as caught:
            client.tokens.get(token.id)
        assert (caught.value.status, caught.value.reason) == (404, "Not found")


def test_rotated_token_has_another_secret(client: Client) -> None:
    token = client.tokens.create(label="turned")
    rotated = token.rotate(grace=timedelta(0), at_once=True)
    assert (rotated.id, rotated.label) == (token.id, "turned")
    assert client.verify(revealed(rotated)).active
    assert not client.verify(revealed(token)).active


def test_old_secret_works_for_the_grace(client: Client) -> None:
    token = client.tokens.create()
    rotated = client.tokens.rotate(token.id, grace=timedelta(hours=1))
    assert client.verify(revealed(rotated)).active
    assert client.verify(revealed(token)).active


def test_repeated_creation_with_a_key_makes_one_token(client: Client, shell: str) -> None:
    made = [client.tokens.create(label="once", idempotency_key=f"once by {shell}".replace(" ", "-")) for _ in range(2)]
    assert made[0].id == made[1].id
    assert client.verify(revealed(made[1])).active


def test_verdict_says_what_was_missing(client: Client) -> None:
    token = client.tokens.create(scopes="linodes:read_only")
    verdict = client.verify(revealed(token), ["linodes:read_only", "domains:read_only"])
    assert (verdict.active, verdict.reason, verdict.user) == (False, "insufficient_scope", None)


@pytest.mark.parametrize("scopes", ["", " ", [""], ["linodes:read_only", ""], ["", "linodes:read_only"], ["a,", " "]])
def test_empty_scope_is_not_asked_for_as_if_it_were_none(
    client: Client, server: Server, scopes: str | list[str]
) -> None:
    for call in (client.verify, client.explain):
        with pytest.raises(BadRequest) as caught:
            call(server.token, scopes)
        assert "scope" in {fault.field for fault in caught.value.faults}


def test_anybody_may_have_a_token_verified(new_client: NewClient, server: Server) -> None:
    client = new_client(server.url)
    assert client.verify(Secret(server.token)).active
    assert not client.verify("pat_" + "x" * 50).active


def test_scopes_are_those_of_the_catalogue_and_of_management(client: Client) -> None:
    scopes = {each.scope: each for each in client.scopes()}
    assert scopes["linodes:read_write"] == Scope(
        scope="linodes:read_write",
        title="Compute instances: See and change",
        description="",
        implies=("linodes:read_only",),
        instances=False,
        management=False,
    )
    assert scopes["tokenry_users:read_only"].management


def test_whoami(client: Client, new_client: NewClient, server: Server) -> None:
    identity = client.whoami()
    assert (identity.user, identity.restricted, identity.scopes) == ("admin", False, ("*",))
    narrow = client.tokens.create(scopes="linodes:read_only domains:read_write")
    assert new_client(server.url, narrow.secret).whoami().scopes == ("domains:read_write", "linodes:read_only")


def test_list_goes_across_pages(client: Client, shell: str) -> None:
    label = f"paged by {shell}"
    for _ in range(30):
        client.tokens.create(label=label)
    paged = list(client.tokens.list(where.label == label, page_size=25))
    assert len(paged) == len({token.id for token in paged}) == 30
    page = client.tokens.page(2, where.label == label, page_size=25)
    assert (len(page.rows), page.page, page.pages, page.results) == (5, 2, 2, 30)
    assert [token.id for token in page.rows] == [token.id for token in paged[25:]]


def test_list_is_filtered_and_ordered(client: Client, shell: str) -> None:
    a, b, c = (f"{letter} sorted by {shell}" for letter in "abc")
    for label in (b, a, c):
        client.tokens.create(label=label)
    wanted = where.label.contains(f"SORTED by {shell}") & (where.created > datetime(2020, 1, 1, tzinfo=UTC))
    by_label = [token.label for token in client.tokens.list(wanted, order_by=where.label.descending)]
    assert by_label == [c, b, a]
    either = (where.label == a) | (where.label == b)
    assert {token.label for token in client.tokens.list(either & (where.label != b))} == {a}
    assert list(client.tokens.list({"label": a, "created": {"+lt": "2020-01-01T00:00:00"}})) == []


def test_refusal_carries_every_reason_and_field_and_the_address(client: Client, server: Server) -> None:
    with pytest.raises(BadRequest) as caught:
        client.tokens.create(label="x" * 101, scopes="nothing:read_only")
    assert {(fault.field, fault.reason) for fault in caught.value.faults} == {
        ("label", "Length must be 1-100 characters"),
        ("scopes", "Invalid scope: nothing:read_only"),
    }
    assert caught.value.field in {"label", "scopes"}
    assert caught.value.request_id is not None
    assert f"POST {server.url}/v4/profile/tokens was answered 400: " in str(caught.value)


def test_token_that_is_not_valid_is_unauthorized(new_client: NewClient, server: Server) -> None:
    with pytest.raises(Unauthorized) as caught:
        new_client(server.url, "pat_" + "x" * 50).whoami()
    assert type(caught.value) is Unauthorized
    assert caught.value.reason == "Invalid Token"


def test_token_that_expires_soon_is_warned_of_where_it_is_used(
    client: Client, new_client: NewClient, server: Server, shell: str
) -> None:
    token = client.tokens.create(expires_in=timedelta(days=6))
    short = new_client(server.url, token.secret)
    with pytest.warns(TokenExpiresSoon) as warned:
        short.whoami()
    short.whoami()
    assert Path(warned[0].filename).parent == Path(__file__).parent


def test_missing_scope_is_named(client: Client, new_client: NewClient, server: Server) -> None:
    narrow = client.tokens.create(scopes="linodes:read_only")
    with pytest.raises(InsufficientScope) as caught:
        next(new_client(server.url, narrow.secret).tokens.list())
    assert (caught.value.scopes, caught.value.accepted_scopes) == ("linodes:read_only", "account:read_only")
    assert "It needs account:read_only, and the token has linodes:read_only." in str(caught.value)


def test_call_that_needs_a_token_says_so(new_client: NewClient, server: Server) -> None:
    with pytest.raises(NoToken, match="TOKENRY_TOKEN"):
        new_client(server.url).whoami()


def test_environment_says_where_and_as_whom(
    new_client: NewClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENRY_URL", server.url)
    monkeypatch.setenv("TOKENRY_TOKEN", server.token)
    assert new_client().whoami().user == "admin"


def test_token_may_be_in_a_file(
    new_client: NewClient, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("secret") / "token"
    file.write_text(f"{server.token}\n", "ascii")
    monkeypatch.setenv("TOKENRY_TOKEN_FILE", str(file))
    assert new_client(server.url).whoami().user == "admin"


def test_token_may_be_a_function_that_is_asked_each_time(new_client: NewClient, server: Server) -> None:
    texts = iter([server.token, "pat_" + "x" * 50])
    client = new_client(server.url, lambda: next(texts))
    assert client.whoami().user == "admin"
    with pytest.raises(Unauthorized):
        client.whoami()


def test_explanation_says_why_check_by_check(client: Client) -> None:
    token = client.tokens.create(scopes="linodes:read_only")
    explained = client.explain(revealed(token), "linodes:read_only", address="10.0.0.1")
    assert explained.active
    assert all(step.passed for step in explained.steps)
    token.revoke()
    explained = client.explain(revealed(token))
    assert not explained.active
    assert (explained.steps[-1].check, explained.steps[-1].passed) == ("revocation", False)
    assert explained.steps[-1].reason.endswith(" by admin")

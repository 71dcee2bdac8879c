"""What a provider's claims are believed to say of somebody."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tokenry.domain.providers import (
    SUBJECT_LENGTH_MAX,
    TURNS_MAX,
    NotSignedIn,
    Person,
    Provider,
    candidate_usernames,
    is_safe_url,
    read_person,
)
from tokenry.domain.users import USERNAME_LENGTH_MAX, username_faults

ACME = Provider(name="acme", label="Acme", issuer="https://acme.example", client_id="x")
MAPPED = Provider(
    name="acme",
    label="Acme",
    issuer="https://acme.example",
    client_id="x",
    username_claim="nick",
    email_claim="upn",
    account_claim="org",
    admin_claim="groups",
    admin_value="ops",
)


def person(**given: Any) -> Person:
    facts: dict[str, Any] = {"username": "ada", "email": "", "email_verified": False, "account": None, "admin": None}
    return Person(issuer=ACME.issuer, subject="1", **{**facts, **given})


def test_claims_are_read_by_their_standard_names() -> None:
    claims = {"sub": "1", "preferred_username": "ada", "email": "ada@x.example", "email_verified": True, "auth_time": 9}
    assert read_person(ACME, claims) == person(
        email="ada@x.example", email_verified=True, authenticated=datetime.fromtimestamp(9, UTC)
    )


def test_claims_are_read_by_the_names_that_the_operator_gives() -> None:
    claims = {"sub": "1", "nick": "ada", "upn": "ada@x.example", "org": "Analytical", "groups": ["dev", "ops"]}
    read = read_person(MAPPED, claims)
    assert (read.username, read.email, read.account, read.admin) == ("ada", "ada@x.example", "Analytical", True)


def test_address_of_another_claim_is_never_verified() -> None:
    assert not read_person(MAPPED, {"sub": "1", "upn": "ada@x.example", "email_verified": True}).email_verified


@pytest.mark.parametrize("verified", [None, False, "true", 1, "false", [True]])
def test_address_is_verified_by_true_alone(verified: object) -> None:
    assert not read_person(ACME, {"sub": "1", "email": "a@x.example", "email_verified": verified}).email_verified


@pytest.mark.parametrize(
    ("groups", "admin"),
    [("ops", True), (["ops"], True), ("devops", False), (["OPS"], False), (None, False), ({"ops": 1}, False)],
)
def test_administrators_are_those_with_the_value_itself(groups: object, admin: bool) -> None:  # noqa: FBT001
    assert read_person(MAPPED, {"sub": "1", "groups": groups}).admin is admin


def test_provider_without_a_mapping_has_no_say_in_who_is_an_administrator() -> None:
    assert read_person(ACME, {"sub": "1", "admin": True, "groups": ["ops"]}).admin is None


@pytest.mark.parametrize("subject", [None, "", 1, ["1"], "1" * (SUBJECT_LENGTH_MAX + 1), "1\0", "\ud800"])
def test_somebody_without_a_subject_is_nobody(subject: object) -> None:
    with pytest.raises(NotSignedIn):
        read_person(ACME, {"sub": subject})


@pytest.mark.parametrize("value", [None, 1, ["ada"], "a\nb", {"a": 1}])
def test_claims_of_another_kind_are_none(value: object) -> None:
    read = read_person(ACME, {"sub": "1", "preferred_username": value, "email": value})
    assert (read.username, read.email) == ("", "")


@pytest.mark.parametrize("moment", [True, "9", 10**30, -(10**30), None])
def test_time_that_is_none_is_not_told(moment: object) -> None:
    assert read_person(ACME, {"sub": "1", "auth_time": moment}).authenticated is None


@pytest.mark.parametrize(
    ("username", "email", "first"),
    [
        ("ada", "x@y", "ada"),
        ("ada.lovelace@acme.example", "", "ada.lovelace"),
        ("", "ada@acme.example", "ada"),
        ("Zoë Brontë", "", "Zoe-Bronte"),
        ("-_.ada", "", "ada"),
        ("a" * 300, "", "a" * (USERNAME_LENGTH_MAX - 3)),
    ],
)
def test_names_for_a_new_user_are_in_the_characters_of_usernames(username: str, email: str, first: str) -> None:
    names = candidate_usernames(person(username=username, email=email))
    assert names[:2] == [first, f"{first}-2"]
    assert len(names) == TURNS_MAX
    assert [name for name in names if username_faults(name)] == []


@pytest.mark.parametrize("username", ["", "ада", "@", "…"])
def test_somebody_without_such_a_character_has_no_name(username: str) -> None:
    assert candidate_usernames(person(username=username)) == []


@pytest.mark.parametrize(
    ("url", "plain", "safe"),
    [
        ("https://acme.example/x?y=1", False, True),
        ("http://127.0.0.1:3000/x", True, True),
        ("http://localhost/x", True, True),
        ("http://127.0.0.1:3000/x", False, False),
        ("http://acme.example", True, False),
        ("ftp://acme.example", True, False),
        ("https:///x", True, False),
        ("https://a b.example", True, False),
        (f"https://acme.example/{'a' * 2000}", True, False),
        ("https://acme.example:99999", True, False),
    ],
)
def test_addresses_are_asked_by_https_or_on_this_machine(url: str, plain: bool, safe: bool) -> None:  # noqa: FBT001
    assert is_safe_url(url, plain=plain) is safe

"""The rules for changing a profile."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.profile import LISH_AUTH_METHODS, Profile, ProfileChange
from tokenry.domain.users import User

ADA = User(
    id=1,
    account_id=1,
    username="ada",
    email="ada@example.org",
    admin=False,
    created=datetime(2025, 6, 15, tzinfo=UTC),
    disabled=None,
)
PROFILE = Profile(
    user=ADA,
    timezone="UTC",
    email_notifications=True,
    ip_whitelist_enabled=False,
    lish_auth_method="keys_only",
    authorized_keys=("ssh-rsa " + "A" * 16,),
)


def fields(change: ProfileChange) -> list[str | None]:
    return [fault.field for fault in change.check(PROFILE)]


def test_change_of_nothing_leaves_the_profile() -> None:
    assert ProfileChange().applied_to(PROFILE) == PROFILE


def test_false_and_empty_are_changes() -> None:
    after = ProfileChange(email_notifications=False, authorized_keys=()).applied_to(PROFILE)
    assert after == replace(PROFILE, email_notifications=False, authorized_keys=())
    assert after.differences(PROFILE) == ["email_notifications", "authorized_keys"]


def test_language_is_chosen_and_taken_back() -> None:
    after = ProfileChange(language="de").applied_to(PROFILE)
    assert (after.language, after.differences(PROFILE)) == ("de", ["language"])
    assert ProfileChange(language="").applied_to(after) == PROFILE


@pytest.mark.parametrize("language", ["DE", "de-AT", "fr", " "])
def test_language_that_nobody_is_spoken_to_in_is_refused(language: str) -> None:
    assert fields(ProfileChange(language=language)) == ["language"]


def test_address_is_the_users() -> None:
    after = ProfileChange(email="b@c").applied_to(PROFILE)
    assert (after.user, after.differences(PROFILE)) == (replace(ADA, email="b@c"), ["email"])


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "Etc/GMT+1", "America/Port-au-Prince", "x" * 64])
def test_name_of_a_time_zone_is_fine(timezone: str) -> None:
    assert fields(ProfileChange(timezone=timezone)) == []


@pytest.mark.parametrize("timezone", ["", "/UTC", "UTC/", "a//b", "UTC\n", "a b", "Zürich", "x" * 65])
def test_what_can_be_no_time_zone_is_refused(timezone: str) -> None:
    assert fields(ProfileChange(timezone=timezone)) == ["timezone"]


@pytest.mark.parametrize("method", LISH_AUTH_METHODS)
def test_every_known_method_is_fine(method: str) -> None:
    assert fields(ProfileChange(lish_auth_method=method)) == []


@pytest.mark.parametrize(
    "key",
    [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbm== ada at home",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1 ü",
    ],
)
def test_public_key_is_fine(key: str) -> None:
    assert fields(ProfileChange(authorized_keys=(key,))) == []


@given(st.text(max_size=60))
def test_accepted_key_is_one_printable_line(comment: str) -> None:
    key = f"ssh-rsa {'A' * 16} {comment}"
    assert (fields(ProfileChange(authorized_keys=(key,))) == []) == key.isprintable()

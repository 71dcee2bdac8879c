"""The decision on a presented token: every way to say no, and what an accepted one tells."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import START, Clock
from tests.verification.parts import ACTOR, BEARER, EXPIRES, PEPPERS, SECRET, STORED, Shelf
from tokenry.domain.checks import Denial
from tokenry.domain.scopes import EVERYTHING, NOTHING, Scopes
from tokenry.domain.secrets import Secret, checksum
from tokenry.storage.credentials import Credential
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch
from tokenry.verification.cache import Cache
from tokenry.verification.verifier import Decision, KnownPresenter, Verifier


def decide(
    authorization: str | None = BEARER,
    *,
    stored: Credential | None = STORED,
    needed: Scopes = NOTHING,
    seconds: float = START,
) -> Decision:
    return asyncio.run(Verifier(Shelf(stored), PEPPERS, Clock(seconds)).verify(authorization, needed))


def test_good_token_says_who_is_calling() -> None:
    assert decide() == Decision(ACTOR)


def test_no_header_is_missing() -> None:
    assert decide(None) == Decision(None, Denial.MISSING)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "])
def test_scheme_is_read_without_regard_to_case_or_number_of_spaces(scheme: str) -> None:
    assert decide(scheme + SECRET.reveal()).denial is None


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        SECRET.reveal(),
        f"Basic {SECRET.reveal()}",
        f"Bearer{SECRET.reveal()}",
        f"Bearer\t{SECRET.reveal()}",
        f" {BEARER}",
        f"{BEARER} ",
        f"{BEARER}\n",
        f"{BEARER} {SECRET.reveal()}",
        f"{BEARER},",
        f"Bearer {SECRET.reveal()[:-1]}",
        f"Bearer {SECRET.reveal()}0",
        f"Bearer {SECRET.reveal().upper()}",
        "Bearer pat_" + "A" * 50,
        "Bearer é",
    ],
)
def test_anything_else_is_malformed(authorization: str) -> None:
    assert decide(authorization) == Decision(None, Denial.MALFORMED)


def test_malformed_token_costs_no_look_up() -> None:
    shelf = Shelf()
    asyncio.run(Verifier(shelf, PEPPERS, Clock()).verify("Bearer pat_" + "A" * 50))
    assert shelf.asked == []


def test_look_up_is_told_no_secret_character() -> None:
    shelf = Shelf()
    asyncio.run(Verifier(shelf, PEPPERS, Clock()).verify(BEARER))
    assert shelf.asked == [SECRET.reveal()[:16]]


def test_token_that_is_not_stored_is_unknown() -> None:
    assert decide(stored=None) == Decision(None, Denial.UNKNOWN)


def test_token_with_the_public_id_of_another_is_unknown() -> None:
    digest = PEPPERS.digest(Secret.generate())
    assert decide(stored=STORED._replace(digest=digest)) == Decision(None, Denial.UNKNOWN)


def test_digest_without_its_pepper_is_unknown() -> None:
    unpeppered = PEPPERS.digest(SECRET, 1)
    assert decide(stored=STORED._replace(digest=unpeppered)) == Decision(None, Denial.UNKNOWN)


def test_digest_of_an_older_generation_still_opens() -> None:
    older = STORED._replace(digest=PEPPERS.digest(SECRET, 1), pepper_generation=1)
    assert decide(stored=older) == Decision(ACTOR)


def test_digest_of_a_generation_that_is_not_here_is_never_a_yes() -> None:
    with pytest.raises(LookupError):
        decide(stored=STORED._replace(pepper_generation=3))


@pytest.mark.parametrize("seconds", [EXPIRES, EXPIRES + 0.001, EXPIRES + 1e9])
def test_token_is_expired_from_the_second_of_its_expiry(seconds: float) -> None:
    assert decide(seconds=seconds) == Decision(None, Denial.EXPIRED)


def test_token_is_good_until_just_before_its_expiry() -> None:
    assert decide(seconds=EXPIRES - 0.001) == Decision(ACTOR)


def test_clock_is_read_for_each_decision() -> None:
    clock = Clock()
    verifier = Verifier(Shelf(), PEPPERS, clock)
    before = asyncio.run(verifier.verify(BEARER)).denial
    clock.seconds = EXPIRES
    assert (before, asyncio.run(verifier.verify(BEARER)).denial) == (None, Denial.EXPIRED)


def test_token_of_a_disabled_user_is_refused() -> None:
    assert decide(stored=STORED._replace(disabled_at=1)) == Decision(None, Denial.DISABLED)


@pytest.mark.parametrize(("before", "denial"), [(0.001, Denial.PENDING), (0, None)])
def test_token_is_refused_until_the_second_of_its_moment(before: float, denial: Denial | None) -> None:
    stored = STORED._replace(not_before=int(START) + 5)
    assert decide(stored=stored, seconds=int(START) + 5 - before).denial is denial


def test_wrong_secret_is_not_told_that_the_token_expired() -> None:
    stored = STORED._replace(digest=bytes(32), expires_at=0, disabled_at=1)
    assert decide(stored=stored) == Decision(None, Denial.UNKNOWN)


@pytest.mark.parametrize("needed", ["linodes:read_write", "volumes:read_only", "linodes:read_only volumes:read_only"])
def test_insufficient_scope_still_says_who_is_calling(needed: str) -> None:
    assert decide(needed=Scopes.parse(needed)) == Decision(ACTOR, Denial.INSUFFICIENT_SCOPE)


def test_everything_is_not_covered_by_some_scopes() -> None:
    assert decide(needed=EVERYTHING).denial is Denial.INSUFFICIENT_SCOPE


@pytest.mark.parametrize("needed", ["", "linodes:read_only", "account:read_only linodes:read_only"])
def test_scopes_that_cover_what_is_needed_are_enough(needed: str) -> None:
    assert decide(needed=Scopes.parse(needed)).denial is None


@pytest.mark.parametrize(("expires_at", "disabled_at"), [(0, None), (EXPIRES, 1)])
def test_closed_token_is_never_only_short_of_scopes(expires_at: int, disabled_at: int | None) -> None:
    stored = STORED._replace(expires_at=expires_at, disabled_at=disabled_at)
    assert decide(stored=stored, needed=EVERYTHING).actor is None


@dataclass
class Remembering:
    """A verifier with a cache that has verified the token once."""

    shelf: Shelf
    verifier: Verifier
    clock: Clock
    epoch: Epoch

    def decide(self, authorization: str = BEARER, needed: Scopes = NOTHING) -> Decision:
        return asyncio.run(self.verifier.verify(authorization, needed))


@pytest.fixture
def remembering(tmp_path: Path) -> Iterator[Remembering]:
    shelf, clock, epoch = Shelf(), Clock(), Epoch(tmp_path / "epoch", TIMEOUT_SECONDS)
    remembering = Remembering(shelf, Verifier(shelf, PEPPERS, clock, cache=Cache(epoch.changed)), clock, epoch)
    assert remembering.decide() == Decision(ACTOR)
    assert shelf.asked == [SECRET.preview]
    shelf.asked.clear()
    yield remembering
    epoch.close()


def test_remembered_token_costs_no_look_up(remembering: Remembering) -> None:
    assert remembering.decide() == Decision(ACTOR)
    assert remembering.shelf.asked == []


def test_remembered_token_expires_all_the_same(remembering: Remembering) -> None:
    remembering.clock.seconds = EXPIRES
    assert remembering.decide() == Decision(None, Denial.EXPIRED)


def test_remembered_token_needs_its_scopes_all_the_same(remembering: Remembering) -> None:
    assert remembering.decide(needed=EVERYTHING) == Decision(ACTOR, Denial.INSUFFICIENT_SCOPE)


def test_remembered_token_is_looked_up_again_once_it_changed(remembering: Remembering) -> None:
    with remembering.epoch.change([SECRET.preview]):
        remembering.shelf.stored = None
    assert remembering.decide() == Decision(None, Denial.UNKNOWN)


def test_change_under_way_is_asked_of_the_database(remembering: Remembering) -> None:
    with remembering.epoch.change([SECRET.preview]):
        remembering.decide()
    assert remembering.shelf.asked == [SECRET.preview]


def test_other_secret_under_a_remembered_public_id_is_refused(remembering: Remembering) -> None:
    body = SECRET.preview + "A" * 32
    assert remembering.decide(f"Bearer {body}{checksum(body)}") == Decision(None, Denial.UNKNOWN)
    assert remembering.decide(f"Bearer {body}AAAAAA") == Decision(None, Denial.MALFORMED)
    assert remembering.decide() == Decision(ACTOR)


def test_refusals_are_not_remembered(remembering: Remembering) -> None:
    other = Secret.generate(random.Random(2).randbytes)
    remembering.shelf.stored = None
    assert remembering.decide(f"Bearer {other.reveal()}") == Decision(None, Denial.UNKNOWN)
    remembering.shelf.stored = STORED._replace(preview=other.preview, digest=PEPPERS.digest(other))
    assert remembering.decide(f"Bearer {other.reveal()}") == Decision(ACTOR._replace(preview=other.preview))


def test_what_is_remembered_holds_no_secret(remembering: Remembering) -> None:
    known = remembering.verifier.recall(SECRET.reveal().encode())
    assert known is not None
    kept = [getattr(known, name) for name in type(known).__slots__]
    assert SECRET.reveal()[16:] not in repr(kept)


@pytest.mark.parametrize(
    ("address", "denial"),
    [("192.0.2.9", None), ("192.0.3.9", Denial.ADDRESS), (None, Denial.ADDRESS), ("nonsense", Denial.ADDRESS)],
)
def test_token_for_some_networks_is_refused_elsewhere(address: str | None, denial: Denial | None) -> None:
    verifier = Verifier(Shelf(STORED._replace(networks="192.0.2.0/24 2001:db8::/32")), PEPPERS, Clock())
    decision = asyncio.run(verifier.verify(BEARER, NOTHING, KnownPresenter(address)))
    assert decision == Decision(None if denial else ACTOR, denial)

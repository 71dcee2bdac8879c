"""The verifier decides by the rules that an explanation goes through, in shorter ways."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import START, Clock
from tests.verification.parts import ACTOR, PEPPERS, SECRET, Shelf
from tokenry.domain.checks import DENIALS, RULES, TEXT_RULES, Check, Circumstances, Denial, find_denial
from tokenry.domain.scopes import ANYBODY, EVERYTHING, NOTHING, NOTHING_FOR_ANYBODY, Scopes
from tokenry.domain.secrets import API_PREFIXES, Secret
from tokenry.verification.cache import Known
from tokenry.verification.needs import asked_by
from tokenry.verification.verifier import KnownPresenter, Verifier

SCOPES = st.sampled_from([NOTHING, EVERYTHING, *map(Scopes.parse, ("linodes:read_only", "linodes:read_write"))])
NETWORKS = st.sampled_from([(), (ip_network("10.0.0.0/8"),), (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))])
ADDRESSES = st.sampled_from([None, "", "10.0.0.1", "11.0.0.1", "2001:db8::1", "no address"])
TEXT = SECRET.reveal()


def test_every_check_has_its_place_and_its_denial() -> None:
    assert list(DENIALS) == list(Check)
    assert [*TEXT_RULES, Check.KNOWN, Check.REVOCATION, Check.SECRET, *RULES] == list(Check)


KNOWN = st.builds(
    lambda scopes, networks, left, audience: Known(
        b"", ACTOR._replace(scopes=scopes, expires_at=int(START) + left, audience=audience), networks
    ),
    SCOPES,
    NETWORKS,
    st.integers(-2, 2),
    st.sampled_from([(), ("https://one.example/",), ("https://one.example/", "https://two.example/")]),
)
ASKED = SCOPES | st.builds(
    asked_by, st.sampled_from(["https://one.example/", "https://two.example/", "https://one.example", ANYBODY]), SCOPES
)


@given(KNOWN, ASKED, ASKED, ADDRESSES)
def test_token_that_is_known_is_judged_by_the_rules(
    known: Known, earlier: Scopes, needed: Scopes, address: str | None
) -> None:
    verifier, client = Verifier(Shelf(), PEPPERS, Clock(START)), KnownPresenter(address)
    verifier.judge(known, earlier, client)  # what is remembered of an earlier question changes nothing
    assert verifier.judge(known, needed, client) == find_denial(known, Circumstances(START, address, needed))


@pytest.mark.parametrize(
    ("needed", "denial"),
    [
        (NOTHING, Denial.AUDIENCE),  # also when it is the very first that is asked
        (Scopes.parse("linodes:read_only"), Denial.AUDIENCE),
        (Scopes.parse("volumes:read_only"), Denial.AUDIENCE),
        (asked_by("https://two.example/", NOTHING), Denial.AUDIENCE),
        (asked_by("https://one.example/", NOTHING), None),
        (asked_by("https://one.example/", Scopes.parse("volumes:read_only")), Denial.INSUFFICIENT_SCOPE),
        (NOTHING_FOR_ANYBODY, None),
    ],
)
def test_token_that_is_meant_for_somebody_is_good_for_nobody_else(needed: Scopes, denial: Denial | None) -> None:
    actor = ACTOR._replace(scopes=Scopes.parse("linodes:read_only"), audience=("https://one.example/",))
    known, verifier = Known(b"", actor, ()), Verifier(Shelf(), PEPPERS, Clock(START))
    assert verifier.judge(known, needed, KnownPresenter()) == denial
    verifier.judge(known, asked_by("https://one.example/", NOTHING), KnownPresenter())
    assert verifier.judge(known, needed, KnownPresenter()) == denial


@given(st.integers(0, len(TEXT)), st.integers(0, 3), st.text(alphabet="patoz_09AZ é\u0661", max_size=3))
def test_token_is_recognised_by_the_rules_of_its_text(place: int, dropped: int, put_in: str) -> None:
    text = TEXT[:place] + put_in + TEXT[place + dropped :]
    holds = all(rule(text) for rule in [TEXT_RULES[Check.PREFIX], TEXT_RULES[Check.SHAPE]])
    assert (Secret.parse(text, API_PREFIXES) is not None) == (holds and TEXT_RULES[Check.CHECKSUM](text))

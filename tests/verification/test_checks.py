"""The verifier decides by the rules that an explanation goes through, in shorter ways."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import START, Clock
from tests.verification.parts import ACTOR, PEPPERS, SECRET, Shelf
from tokenry.domain.checks import DENIALS, RULES, TEXT_RULES, Check, Circumstances, find_denial
from tokenry.domain.scopes import EVERYTHING, NOTHING, Scopes
from tokenry.domain.secrets import API_PREFIXES, Secret
from tokenry.verification.cache import Known
from tokenry.verification.verifier import KnownPresenter, Verifier

SCOPES = st.sampled_from([NOTHING, EVERYTHING, *map(Scopes.parse, ("linodes:read_only", "linodes:read_write"))])
NETWORKS = st.sampled_from([(), (ip_network("10.0.0.0/8"),), (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))])
ADDRESSES = st.sampled_from([None, "", "10.0.0.1", "11.0.0.1", "2001:db8::1", "no address"])
TEXT = SECRET.reveal()


def test_every_check_has_its_place_and_its_denial() -> None:
    assert list(DENIALS) == list(Check)
    assert [*TEXT_RULES, Check.KNOWN, Check.REVOCATION, Check.SECRET, *RULES] == list(Check)


KNOWN = st.builds(
    lambda scopes, networks, left: Known(b"", ACTOR._replace(scopes=scopes, expires_at=int(START) + left), networks),
    SCOPES,
    NETWORKS,
    st.integers(-2, 2),
)


@given(KNOWN, SCOPES, SCOPES, ADDRESSES)
def test_token_that_is_known_is_judged_by_the_rules(
    known: Known, earlier: Scopes, needed: Scopes, address: str | None
) -> None:
    verifier, client = Verifier(Shelf(), PEPPERS, Clock(START)), KnownPresenter(address)
    verifier.judge(known, earlier, client)  # what is remembered of an earlier question changes nothing
    assert verifier.judge(known, needed, client) == find_denial(known, Circumstances(START, address, needed))


@given(st.integers(0, len(TEXT)), st.integers(0, 3), st.text(alphabet="patoz_09AZ é\u0661", max_size=3))
def test_token_is_recognised_by_the_rules_of_its_text(place: int, dropped: int, put_in: str) -> None:
    text = TEXT[:place] + put_in + TEXT[place + dropped :]
    holds = all(rule(text) for rule in [TEXT_RULES[Check.PREFIX], TEXT_RULES[Check.SHAPE]])
    assert (Secret.parse(text, API_PREFIXES) is not None) == (holds and TEXT_RULES[Check.CHECKSUM](text))

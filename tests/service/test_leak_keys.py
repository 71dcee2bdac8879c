"""Whose signature of a leak report is believed, and when its keys are fetched."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.making import NOW
from tests.signing import ReportKey
from tests.sites import Site
from tokenry.domain.errors import Invalid, NotFound, Unavailable
from tokenry.service.leak_keys import FAILED_FOR, HEADER_LENGTH_MAX, KEPT_FOR, LOOKED_AGAIN_AFTER, LeakKeys

CONTENT = b'[{"token":"x"}]'
PATH = "/keys"
SECOND = timedelta(seconds=1)
# The example of GitHub's page on its partner program: a key, a body and its signature, by other software.
EXAMPLE = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
EXAMPLE_ID = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
EXAMPLE_SIGNATURE = "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
EXAMPLE_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP
HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==
-----END PUBLIC KEY-----
"""


class Reports:
    """Keys of reports on a site, and a clock that tests move."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.now = NOW
        self.keys = LeakKeys(site.url + PATH, lambda: self.now)

    def put(self, *keys: ReportKey) -> None:
        self.site.put(PATH, {"public_keys": [key.entry for key in keys]})

    def judge(self, key: ReportKey) -> None:
        self.keys.require_signed(CONTENT, key.identifier, key.sign(CONTENT))


@pytest.fixture
def reports(site: Site) -> Reports:
    return Reports(site)


def test_signature_of_other_software_is_right(site: Site, reports: Reports) -> None:
    site.put(PATH, {"public_keys": [{"key_identifier": EXAMPLE_ID, "key": EXAMPLE_KEY, "is_current": False}]})
    reports.keys.require_signed(EXAMPLE, EXAMPLE_ID, EXAMPLE_SIGNATURE)


def test_no_report_is_taken_without_an_address_of_keys() -> None:
    with pytest.raises(NotFound):
        LeakKeys(None, lambda: NOW).require_signed(CONTENT, None, None)


@pytest.mark.parametrize(
    "forge",
    [
        lambda key: (CONTENT, key.identifier, ReportKey("a").sign(CONTENT)),
        lambda key: (CONTENT + b" ", key.identifier, key.sign(CONTENT)),
        lambda key: (CONTENT, "b", key.sign(CONTENT)),
        lambda key: (CONTENT, None, key.sign(CONTENT)),
        lambda key: (CONTENT, key.identifier, None),
        lambda key: (CONTENT, key.identifier, ""),
        lambda key: (CONTENT, key.identifier, "AAAA"),
        lambda key: (CONTENT, key.identifier, f"{key.sign(CONTENT)}!"),
        lambda key: (CONTENT, key.identifier, "é"),
        lambda key: (CONTENT, key.identifier, "A" * (HEADER_LENGTH_MAX + 1)),
    ],
    ids=["another key", "altered", "unknown key", "no key", "none", "empty", "no DER", "no base64", "no ASCII", "long"],
)
def test_what_is_not_signed_by_a_key_there_is_is_refused(
    reports: Reports, forge: Callable[[ReportKey], tuple[bytes, str | None, str | None]]
) -> None:
    key = ReportKey("a")
    reports.put(key)
    reports.judge(key)
    with pytest.raises(Invalid):
        reports.keys.require_signed(*forge(key))


def test_keys_are_kept_for_a_while_and_then_those_that_are_gone_are_believed_no_more(reports: Reports) -> None:
    old, new = ReportKey("a"), ReportKey("b")
    reports.put(old)
    reports.judge(old)
    reports.put(new)
    reports.now += KEPT_FOR - SECOND
    reports.judge(old)
    assert len(reports.site.asked) == 1
    reports.now += SECOND
    with pytest.raises(Invalid):
        reports.judge(old)
    reports.judge(new)
    assert len(reports.site.asked) == 2


def test_unknown_key_makes_them_fetched_again_but_not_each_time(reports: Reports) -> None:
    old, new = ReportKey("a"), ReportKey("b")
    reports.put(old)
    reports.judge(old)
    reports.put(old, new)
    reports.now += LOOKED_AGAIN_AFTER - SECOND
    for _ in range(3):
        with pytest.raises(Invalid):
            reports.judge(new)
    assert len(reports.site.asked) == 1
    reports.now += SECOND
    reports.judge(new)
    assert len(reports.site.asked) == 2


@pytest.mark.parametrize(
    ("document", "status"),
    [({"public_keys": []}, 500), ([], 200), ({}, 200), ({"public_keys": [1]}, 200), (b"{", 200), (b"x" * 40_000, 200)],
    ids=["status", "list", "empty", "entry", "syntax", "long"],
)
def test_nothing_is_decided_without_keys_which_are_asked_for_again_soon(
    reports: Reports, document: object, status: int
) -> None:
    key = ReportKey("a")
    reports.site.put(PATH, document, status=status)
    for _ in range(2):
        with pytest.raises(Unavailable) as refusal:
            reports.judge(key)
        assert reports.site.url not in refusal.value.reason
    assert len(reports.site.asked) == 1
    reports.put(key)
    reports.now += FAILED_FOR
    reports.judge(key)


def test_keys_that_are_known_are_believed_while_others_cannot_be_fetched(reports: Reports) -> None:
    known = ReportKey("a")
    reports.put(known)
    reports.judge(known)
    reports.site.put(PATH, {}, status=500)
    reports.now += LOOKED_AGAIN_AFTER
    for _ in range(2):
        with pytest.raises(Unavailable):
            reports.judge(ReportKey("b"))
        reports.judge(known)


def test_keys_of_another_kind_are_left_out(site: Site, reports: Reports) -> None:
    key, other = ReportKey("a"), ReportKey("b", ec.SECP384R1())
    junk = {"key_identifier": "c", "key": "junk", "is_current": True}
    site.put(PATH, {"public_keys": [junk, other.entry, key.entry]})
    reports.judge(key)
    with pytest.raises(Invalid):
        reports.judge(other)

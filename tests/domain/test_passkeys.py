"""Passkeys: whom they are for, what a count of signatures says, and which answers of a browser are right."""

import json
from dataclasses import replace

import pytest

from tests.devices import PRESENT, VERIFIED, Device, read_base64, write_base64
from tests.making import NOW
from tokenry.domain import ceremonies
from tokenry.domain.passkeys import PasskeyKey, RelyingParty, is_cloned, label_faults, user_handle
from tokenry.domain.secrets import Peppers
from tokenry.domain.users import User

ORIGIN = "https://tokens.example.com"
PARTY = RelyingParty(ORIGIN, "tokens.example.com")
CHALLENGE = bytes(range(32))
HANDLE = user_handle(Peppers((bytes(32),)), 7)
USER = User(7, 1, "ada", "", admin=False, created=NOW, disabled=None)
NEW = ceremonies.ask_for_new(PARTY, USER, handle=HANDLE, challenge=CHALLENGE)
KNOWN = ceremonies.ask_for_known(PARTY, challenge=CHALLENGE)


def device(**differences: object) -> Device:
    return replace(Device(ORIGIN, "tokens.example.com"), **differences)  # type: ignore[arg-type]


def made(by: Device) -> PasskeyKey:
    key = ceremonies.read_new(PARTY, by.make(NEW), challenge=CHALLENGE)
    assert key is not None
    return key


def read(answer: str, key: PasskeyKey) -> int | None:
    return ceremonies.read_known(PARTY, answer, challenge=CHALLENGE, key=key, handle=HANDLE)


@pytest.mark.parametrize(
    ("public_url", "party"),
    [
        ("https://tokens.example.com", RelyingParty("https://tokens.example.com", "tokens.example.com")),
        ("http://localhost:8470", RelyingParty("http://localhost:8470", "localhost")),
        ("http://127.0.0.1:8470", None),
        ("http://[::1]:8470", None),
        (None, None),
    ],
)
def test_passkeys_are_for_a_host_with_a_name(public_url: str | None, party: RelyingParty | None) -> None:
    assert RelyingParty.of(public_url) == party


@pytest.mark.parametrize(
    ("before", "after", "cloned"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_count_that_does_not_grow_tells_of_a_copy(before: int, after: int, *, cloned: bool) -> None:
    assert is_cloned(before, after) is cloned


def test_passkey_that_was_made_signs() -> None:
    own = device(count=0)
    key = made(own)
    assert key.credential_id == own.credential_id
    answer = own.sign(KNOWN)
    assert (ceremonies.read_credential_id(answer), read(answer, key)) == (own.credential_id, 1)
    assert read(own.sign(KNOWN), key) == 2


def test_browser_is_asked_for_what_holds_its_user_and_finds_the_service_by_itself() -> None:
    asked = json.loads(NEW)
    wanted = asked["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "required")
    assert (asked["rp"]["id"], read_base64(asked["user"]["id"])) == ("tokens.example.com", HANDLE)
    assert "ada" not in repr(HANDLE)
    known = json.loads(KNOWN)
    assert (known["userVerification"], known.get("allowCredentials", [])) == ("required", [])


WRONG = {
    "of another site": {"origin": "https://evil.example"},
    "of a host below": {"origin": "https://a.tokens.example.com"},
    "of another port": {"origin": f"{ORIGIN}:8443"},
    "without encryption": {"origin": "http://tokens.example.com"},
    "for another service": {"rp_id": "example.com"},
    "without asking who it is": {"flags": PRESENT},
    "without anybody there": {"flags": VERIFIED},
    "in a frame of another site": {"told": {"crossOrigin": True}},
    "to another challenge": {"told": {"challenge": write_base64(bytes(32))}},
    "of another kind": {"told": {"type": "payment.get"}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_answer_that_is_not_right_is_none(wrong: dict[str, object]) -> None:
    assert ceremonies.read_new(PARTY, device(**wrong).make(NEW), challenge=CHALLENGE) is None
    own = device()
    key = made(own)
    assert read(own.sign(KNOWN), key) == 0
    assert read(replace(own, **wrong).sign(KNOWN), key) is None  # type: ignore[arg-type]


def test_answer_signed_by_another_key_or_for_another_user_is_none() -> None:
    own = device()
    key = made(own)
    assert read(replace(own, key=device().key).sign(KNOWN), key) is None
    assert read(replace(own, handle=b"another").sign(KNOWN), key) is None


VALUES: list[object] = [None, 5, [], {}, "", "AAAA", "ä", "\ud800", "A" * 200, write_base64(b"\xbf" * 40)]


def mangled(answer: str) -> list[str]:
    """What somebody may send in its place."""
    whole = json.loads(answer)
    texts = ["", "null", "[]", "{}", "x", '"x"', "\ud800", "[" * 5000, json.dumps({"response": 5}), "x" * 20_000]
    for name in (*whole, *whole["response"]):
        for value in VALUES:
            changed = json.loads(answer)
            (changed["response"] if name in changed["response"] else changed)[name] = value
            texts.append(json.dumps(changed))
    return texts


def test_answer_that_makes_no_sense_is_none() -> None:
    own = device()
    key = made(own)
    for text in mangled(own.make(NEW)):
        assert ceremonies.read_new(PARTY, text, challenge=CHALLENGE) is None or '"userHandle"' in text
    for text in mangled(own.sign(KNOWN)):
        ceremonies.read_credential_id(text)
        assert read(text, key) is None or json.loads(text)["response"]["userHandle"] is None


@pytest.mark.parametrize(
    ("label", "fault"), [("phone", False), ("", True), (" ", True), ("x" * 65, True), ("\n", True)]
)
def test_label_can_be_seen(label: str, *, fault: bool) -> None:
    assert bool(label_faults(label)) is fault

"""The text of a token, and the keys of its digest."""

import copy
import hashlib
import hmac
import itertools
import pickle
import random
import re
from collections import Counter
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.secrets import BASE62, Peppers, Secret, checksum, is_junk

TEXT = "pat_" + "Ab12Cd34Ef56" + "0123456789abcdefghijKLMNOPQRSTUV"
SECRET = Secret(TEXT + checksum(TEXT))
FIRST, SECOND = b"\x01" * 32, b"\x02" * 32


def test_new_secret_is_54_characters_of_the_known_shape() -> None:
    text = Secret.generate().reveal()
    assert re.fullmatch(r"pat_[0-9A-Za-z]{50}", text)
    assert len(text) == 54


def test_new_secret_is_recognised() -> None:
    text = Secret.generate().reveal()
    parsed = Secret.parse(text)
    assert parsed is not None
    assert parsed.reveal() == text


def test_no_token_is_junk_and_most_of_what_is_none_is() -> None:
    texts = [Secret.generate().reveal().encode() for _ in range(300)]
    assert not any(map(is_junk, texts))
    assert all(is_junk(text[:-1] + (b"a" if text[-1:] != b"a" else b"b")) for text in texts)
    assert is_junk(b"")
    assert sum(is_junk(text[:-7] + b"!" + text[-6:]) for text in texts) > 250


def test_no_two_secrets_are_alike() -> None:
    assert len({Secret.generate().reveal() for _ in range(1000)}) == 1000


def test_every_random_character_is_as_likely_as_any_other() -> None:
    """To take a byte's remainder for a digit would make eight of them likelier by a quarter."""
    draw = random.Random(1).randbytes
    counted = Counter("".join(Secret.generate(draw).reveal()[4:48] for _ in range(10_000)))
    assert set(counted) == set(BASE62)
    assert max(counted.values()) < 1.15 * min(counted.values())


def test_every_random_character_is_drawn() -> None:
    drawn = itertools.chain(range(248, 256), range(44), itertools.repeat(0))

    def draw(number: int) -> bytes:
        return bytes(itertools.islice(drawn, number))

    assert Secret.generate(draw).reveal()[4:48] == BASE62[:44]


def test_bytes_that_are_no_digit_are_drawn_again() -> None:
    drawn = itertools.chain(b"\xff" * 100, itertools.repeat(61))

    def draw(number: int) -> bytes:
        return bytes(itertools.islice(drawn, number))

    assert Secret.generate(draw).reveal()[4:48] == "z" * 44


@pytest.mark.parametrize("body", ["", "a", "123456789"])
def test_checksum_is_crc_32_in_base_62(body: str) -> None:
    value = sum(BASE62.index(digit) * 62**place for place, digit in enumerate(reversed(checksum(body))))
    assert (value, len(checksum(body))) == (crc32(body.encode()), 6)


@given(st.integers(0, 54 - 1), st.characters(min_codepoint=1, max_codepoint=0x2FFF))
def test_one_changed_character_is_detected(place: int, character: str) -> None:
    text = SECRET.reveal()
    changed = text[:place] + character + text[place + 1 :]
    assert changed == text or Secret.parse(changed) is None


@pytest.mark.parametrize("place", range(4, 54))
def test_every_other_character_of_the_alphabet_is_detected(place: int) -> None:
    text = SECRET.reveal()
    others = [text[:place] + character + text[place + 1 :] for character in BASE62 if character != text[place]]
    assert [other for other in others if Secret.parse(other)] == []


@pytest.mark.parametrize(
    "text", ["", "pat_", SECRET.reveal()[:-1], SECRET.reveal() + "0", SECRET.reveal() + "\n", " " + SECRET.reveal()]
)
def test_other_lengths_are_no_secret(text: str) -> None:
    assert Secret.parse(text) is None


@given(st.text(max_size=80))
def test_no_text_is_too_strange_to_be_turned_away(text: str) -> None:
    assert Secret.parse(text) is None


def test_preview_is_the_first_16_characters() -> None:
    assert SECRET.preview == "pat_Ab12Cd34Ef56"


@pytest.mark.parametrize("shown", [str(SECRET), repr(SECRET), f"{SECRET}", f"{SECRET!r}", "%s" % SECRET, f"{[SECRET]}"])  # noqa: UP031
def test_printing_shows_the_preview_and_no_more(shown: str) -> None:
    assert shown.strip("[]") == "<Secret pat_Ab12Cd34Ef56…>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SECRET, protocol)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_secret_is_not_copied(duplicate: object) -> None:
    assert callable(duplicate)
    with pytest.raises(TypeError):
        duplicate(SECRET)


def test_secret_has_no_dictionary_to_dump() -> None:
    assert not hasattr(SECRET, "__dict__")


def test_digest_is_hmac_of_the_tokens_hash() -> None:
    hashed = hashlib.sha256(SECRET.reveal().encode()).digest()
    assert Peppers((FIRST,)).digest(SECRET) == hmac.digest(FIRST, hashed, "sha256")


def test_newer_pepper_wraps_the_digest_of_the_older() -> None:
    older = Peppers((FIRST,)).digest(SECRET)
    assert Peppers((FIRST, SECOND)).digest(SECRET) == hmac.digest(SECOND, older, "sha256")


def test_digest_of_an_older_generation_can_still_be_made() -> None:
    assert Peppers((FIRST, SECOND)).digest(SECRET, 1) == Peppers((FIRST,)).digest(SECRET)


@pytest.mark.parametrize("generation", [-1, 0, 3])
def test_generation_that_is_not_here_is_an_error(generation: int) -> None:
    with pytest.raises(LookupError):
        Peppers((FIRST, SECOND)).opens(SECRET, bytes(32), generation)


def test_generation_is_the_number_of_peppers() -> None:
    assert [Peppers((FIRST,)).generation, Peppers((FIRST, SECOND)).generation] == [1, 2]


def test_digest_opens_for_its_secret() -> None:
    peppers = Peppers((FIRST, SECOND))
    assert peppers.opens(SECRET, peppers.digest(SECRET), 2)


@pytest.mark.parametrize("digest", [b"", bytes(32), Peppers((SECOND,)).digest(SECRET)])
def test_digest_of_anything_else_does_not_open(digest: bytes) -> None:
    assert not Peppers((FIRST,)).opens(SECRET, digest, 1)


def test_check_value_differs_for_other_peppers() -> None:
    keys = [(FIRST,), (SECOND,), (FIRST, SECOND), (SECOND, FIRST)]
    assert len({Peppers(key).check_value() for key in keys}) == len(keys)


def test_check_value_is_always_the_same() -> None:
    assert Peppers((FIRST,)).check_value() == Peppers((b"\x01" * 32,)).check_value()


@pytest.mark.parametrize("keys", [(), (b"",), (bytes(31),), (bytes(33),), (FIRST, b"x")])
def test_peppers_of_another_size_are_refused(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError):
        Peppers(keys)


def test_printing_peppers_shows_their_number_only() -> None:
    assert f"{Peppers((FIRST, SECOND))} {Peppers((FIRST,))!r}" == "<Peppers: 2> <Peppers: 1>"

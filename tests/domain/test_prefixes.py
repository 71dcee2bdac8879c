"""Prefixes that the operator chose: what a text with one is, and what is shown of it, here and in the client."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry.addresses import read_base_url
from tokenry.cli import front
from tokenry.client.secrets import Secret as ClientSecret
from tokenry.client.secrets import TokenText, is_preview, masked
from tokenry.domain.checks import TEXT_RULES
from tokenry.domain.secrets import (
    ACCESS,
    API_PREFIXES,
    BOUND_PREFIXES,
    KINDS,
    PERSONAL,
    PREVIEW_LENGTH_MAX,
    REFRESH,
    Secret,
    checksum,
    find_prefix,
    holds_secret,
    is_prefix,
    kind_of,
    mask_secrets,
    personal_kind,
)
from tokenry.storage.journal import PREVIEW_BYTES

CHOSEN = ["a_", "0_", "__", "acme_", "a_b_c_", "toat_", "pat__", "twelve_char_"]
PREFIXES = st.from_regex(r"[a-z0-9_]{1,11}_", fullmatch=True).filter(is_prefix)


def secret_of(prefix: str) -> Secret:
    return Secret.generate(kind=personal_kind(prefix))


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "_",
        "a",
        "acme",
        "Acme_",
        "ac-me_",
        "é_",
        "a _",
        "acme_\n",
        "thirteen_chr_",
        *(prefix for prefix in KINDS if prefix != "pat_"),
    ],
)
def test_prefix_that_nobody_may_choose(prefix: str) -> None:
    assert not is_prefix(prefix)
    with pytest.raises(ValueError, match="A prefix is"):
        personal_kind(prefix)


def test_usual_prefix_is_one_that_may_be_chosen() -> None:
    assert personal_kind("pat_") == PERSONAL


@settings(max_examples=50)
@given(PREFIXES)
def test_token_of_any_prefix_is_a_personal_one_and_of_no_other_kind(prefix: str) -> None:
    secret = secret_of(prefix)
    text = secret.reveal()
    assert len(text) == len(prefix) + 50
    for prefixes in (API_PREFIXES, tuple(KINDS), (PERSONAL.prefix,)):
        found = Secret.parse(text, prefixes)
        assert found is not None
        assert (found.kind, found.preview) == (PERSONAL, text[:-38])
    for others in (BOUND_PREFIXES, (REFRESH.prefix,), (ACCESS.prefix,)):
        assert Secret.parse(text, others) is None
    assert kind_of(secret.preview) is PERSONAL
    assert find_prefix(text) == prefix
    assert all(rule(text) for rule in TEXT_RULES.values())


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind is not PERSONAL], ids=lambda kind: kind.name)
def test_other_kind_is_never_taken_for_a_personal_token(kind: object) -> None:
    secret = Secret.generate(kind=kind)  # type: ignore[arg-type]
    assert Secret.parse(secret.reveal(), (PERSONAL.prefix,)) is None
    assert kind_of(secret.preview) is kind


@pytest.mark.parametrize("prefix", ["Acme_", "acme-", "acme", "", "_", "thirteen_chr_", "é_"])
def test_text_with_another_prefix_is_no_token_though_its_checksum_is_right(prefix: str) -> None:
    body = prefix + "A" * 44
    text = body + (checksum(body) if body.isascii() else "AAAAAA")
    assert Secret.parse(text, API_PREFIXES) is None
    assert not all(rule(text) for rule in TEXT_RULES.values())


@pytest.mark.parametrize("prefix", CHOSEN)
def test_other_prefix_before_the_same_characters_is_another_text(prefix: str) -> None:
    """The checksum is over the prefix too."""
    text = secret_of(prefix).reveal()
    assert Secret.parse("other_" + text[-50:]) is None


@settings(max_examples=50)
@given(PREFIXES, st.integers(0, 61), st.integers(0, 3), st.text(alphabet="acme_09AZ é", max_size=3))
def test_token_is_recognised_by_the_rules_of_its_text(prefix: str, place: int, dropped: int, put_in: str) -> None:
    text = secret_of(prefix).reveal()
    text = text[:place] + put_in + text[place + dropped :]
    rules = iter(TEXT_RULES.values())
    assert (Secret.parse(text, API_PREFIXES) is not None) == all(rule(text) for rule in rules)


@pytest.mark.parametrize("prefix", CHOSEN)
def test_preview_is_the_whole_public_id_and_nothing_of_the_secret(prefix: str) -> None:
    secret = secret_of(prefix)
    text, preview = secret.reveal(), secret.reveal()[: len(prefix) + 12]
    assert len(preview) <= PREVIEW_LENGTH_MAX == PREVIEW_BYTES
    assert (secret.preview, ClientSecret(text).preview) == (preview, preview)
    for shown in (repr(secret), repr(ClientSecret(text)), repr(TokenText(text))):
        assert preview in shown
        assert text[: len(preview) + 1] not in shown
    assert is_preview(preview)
    assert not is_preview(text)
    assert repr(TokenText(preview)) == repr(preview)


@pytest.mark.parametrize("prefix", CHOSEN)
@pytest.mark.parametrize("around", ["a {} b", "token={}", "/v4/{}/x", "{}", "x{}", "\u00e9{}."])
def test_token_of_any_prefix_is_kept_out_of_texts_and_arguments(prefix: str, around: str) -> None:
    secret = secret_of(prefix)
    text = around.format(secret.reveal())
    for shown in (mask_secrets(text), masked(text)):
        assert shown == around.format(f"{secret.preview}…")
    assert front._holds_token(text)
    with pytest.raises(ValueError, match="it must not contain a token") as refusal:
        read_base_url(f"http://127.0.0.1/{secret.reveal()}")
    assert secret.reveal()[-38:-30] not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "oauth_client_registration",
        "--data-dir=/var/lib/a_b",
        "user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
        "user_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "cus_9f86d081884c7d659a2feaa0c55ad015",
        "user_da39a3ee5e6b4b0d3255bfef95601890afd80709",
        f"sha256_{'9f86d081884c7d65' * 4}",
    ],
)
def test_names_with_underscores_stay_as_they_are(text: str) -> None:
    assert (mask_secrets(text), masked(text)) == (text, text)
    assert not holds_secret(text)
    assert read_base_url(f"http://127.0.0.1/{text}")


@pytest.mark.parametrize("prefix", [*CHOSEN, *KINDS])
def test_text_holds_a_whole_token_of_any_prefix_and_a_part_of_one_of_ours(prefix: str) -> None:
    text = secret_of(prefix).reveal() if is_prefix(prefix) else Secret.generate(kind=KINDS[prefix]).reveal()
    for around in ("{}", "a/{}", "for-{}-1", "X{}", "{}x", "{0}{0}"):
        assert holds_secret(around.format(text))
    assert holds_secret(text[:-20]) == (prefix in KINDS)
    pairwise = f"AAAAAAAAAAAAAAAAAAAAA_{text[-50:]}"  # what a provider may call its user
    assert not holds_secret(pairwise)


@pytest.mark.parametrize("prefix", CHOSEN)
def test_of_a_part_of_a_token_little_of_the_secret_is_left(prefix: str) -> None:
    text = secret_of(prefix).reveal()
    for length in range(len(prefix) + 33, len(text)):
        assert mask_secrets(text[:length]) == masked(text[:length]) == f"{text[: len(prefix) + 12]}…"


def test_digest_in_an_argument_is_no_token() -> None:
    assert not front._holds_token(f"backup_{'0123456789abcdef' * 4}.db")

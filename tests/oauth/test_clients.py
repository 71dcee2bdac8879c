"""Which client sends a request to /oauth, and with what proof."""

import json
from base64 import b64encode, urlsafe_b64encode

import pytest

from tokenry.domain.clients import CLIENT_ID_LENGTH_MAX, PresentedClient
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.oauth.clients import ASSERTION_TYPE, read_client


def basic(text: str, scheme: str = "Basic") -> dict[bytes, str]:
    return {b"authorization": f"{scheme} {b64encode(text.encode()).decode()}"}


def assertion(**claims: object) -> dict[str, object]:
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return {"client_assertion": f"e30.{payload}.AAAA", "client_assertion_type": ASSERTION_TYPE}


SIGNED = assertion(sub="abc")


@pytest.mark.parametrize(
    ("headers", "form", "presented"),
    [
        ({}, {"client_id": "abc"}, PresentedClient("abc")),
        ({}, {"client_id": "https://app.example/x?y"}, PresentedClient("https://app.example/x?y")),
        ({}, {"client_id": "abc", "client_secret": "word"}, PresentedClient("abc", "word")),
        (basic("abc:word"), {}, PresentedClient("abc", "word")),
        (basic("abc:word", "bAsIc"), {"client_id": "abc"}, PresentedClient("abc", "word")),
        (basic("abc:w:o"), {}, PresentedClient("abc", "w:o")),
        (basic("a%3Ac+d:w%2Fo+rd"), {}, PresentedClient("a:c d", "w/o rd")),
        (basic("abc:"), {}, PresentedClient("abc")),
        ({}, SIGNED, PresentedClient("abc", None, str(SIGNED["client_assertion"]))),
        ({}, {**SIGNED, "client_id": "abc"}, PresentedClient("abc", None, str(SIGNED["client_assertion"]))),
        ({b"authorization": "Bearer x"}, {"client_id": "abc"}, PresentedClient("abc")),
    ],
)
def test_client_and_its_proof_are_read(
    headers: dict[bytes, str], form: dict[str, object], presented: PresentedClient
) -> None:
    assert read_client(headers, form) == presented


@pytest.mark.parametrize(
    ("headers", "form", "code"),
    [
        ({}, {}, OAuthError.INVALID_CLIENT),
        ({}, {"client_secret": "word"}, OAuthError.INVALID_CLIENT),
        ({}, {"client_id": "ä"}, OAuthError.INVALID_CLIENT),
        ({}, {"client_id": "a\0"}, OAuthError.INVALID_CLIENT),
        ({}, {"client_id": "a" * (CLIENT_ID_LENGTH_MAX + 1)}, OAuthError.INVALID_CLIENT),
        (basic(":word"), {}, OAuthError.INVALID_CLIENT),
        (basic("abc"), {}, OAuthError.INVALID_CLIENT),
        ({b"authorization": "Basic"}, {}, OAuthError.INVALID_CLIENT),
        ({b"authorization": "Basic !"}, {"client_id": "abc"}, OAuthError.INVALID_CLIENT),
        ({b"authorization": "Basic /w=="}, {}, OAuthError.INVALID_CLIENT),
        ({b"authorization": "Basic \xff"}, {}, OAuthError.INVALID_CLIENT),
        (basic("abc:word"), {"client_secret": "word"}, OAuthError.INVALID_REQUEST),
        (basic("abc:word"), {"client_secret": "word", "client_id": "abc"}, OAuthError.INVALID_REQUEST),
        (basic("abc:word"), SIGNED, OAuthError.INVALID_REQUEST),
        ({}, {**SIGNED, "client_secret": "word"}, OAuthError.INVALID_REQUEST),
        (basic("abc:word"), {"client_id": "other"}, OAuthError.INVALID_REQUEST),
        ({}, {**SIGNED, "client_id": "other"}, OAuthError.INVALID_REQUEST),
        ({}, {"client_assertion": "e30.e30.AAAA"}, OAuthError.INVALID_REQUEST),
        ({}, {**SIGNED, "client_assertion_type": "urn:other"}, OAuthError.INVALID_REQUEST),
        ({}, assertion(), OAuthError.INVALID_CLIENT),
        ({}, assertion(sub=5), OAuthError.INVALID_CLIENT),
        ({}, {**SIGNED, "client_assertion": "e30.W10.AAAA"}, OAuthError.INVALID_CLIENT),
        ({}, {**SIGNED, "client_assertion": "e30.!.AAAA"}, OAuthError.INVALID_CLIENT),
        ({}, {**SIGNED, "client_assertion": "nothing"}, OAuthError.INVALID_CLIENT),
        ({}, {**SIGNED, "client_assertion": f"e30.{'W1tb' * 9000}.AAAA"}, OAuthError.INVALID_CLIENT),
    ],
)
def test_request_that_does_not_say_which_client_sends_it_is_refused(
    headers: dict[bytes, str], form: dict[str, object], code: OAuthError
) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        read_client(headers, form)
    assert refused.value.code is code


def test_proof_is_in_no_repr() -> None:
    assert "word" not in repr(PresentedClient("abc", "word", "word"))

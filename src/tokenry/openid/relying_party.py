"""One provider, as this process knows it: sending people there, and learning who came back (Core section 3.1)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from joserfc.jwk import Key

from tokenry.domain.providers import NotSignedIn, Person, Provider, Trouble, read_person
from tokenry.fetching.fetcher import Fetcher
from tokenry.fetching.reach import Reach
from tokenry.openid.attempts import Attempt
from tokenry.openid.fetching import Fetching, unreachable
from tokenry.openid.id_tokens import LEEWAY_SECONDS, Expected, NoSuchKey, read_id_token, read_keys
from tokenry.openid.metadata import Metadata, fetch_metadata

KEPT = timedelta(minutes=10)
"""How long a provider's metadata and keys are believed: a key that it has withdrawn signs no longer than that."""
KEYS_PAUSE = timedelta(seconds=10)
"""How soon keys are asked for again for a signature that none of them made."""
T = TypeVar("T")
_ERROR = re.compile(r"[a-z_]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody brought back from a provider; empty where there is nothing."""

    code: str
    state: str
    issuer: str
    error: str


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """What a provider said, and when."""

    at: datetime
    content: T

    def is_good(self, now: datetime, age_max: timedelta) -> bool:
        """Whether it is not older than that; nor from the future, as after a clock was set back."""
        return timedelta(0) <= now - self.at < age_max


class OpenIdRelyingParty:
    """What signs people in by one provider. Its methods wait for the provider, in a thread.

    `callback` is where people come back to; it is this provider's alone, so that no answer is taken for another's.
    """

    def __init__(self, provider: Provider, callback: str, now: Callable[[], datetime]) -> None:
        self.provider = provider
        self._callback = callback
        self._now = now
        self._fetcher = Fetcher(Reach.ANYTHING)
        self._metadata: _Kept[Metadata] | None = None
        self._keys: _Kept[tuple[Key, ...]] | None = None

    def begin(self, attempt: Attempt) -> str:
        """The address at the provider to send somebody to. Raises NotSignedIn."""
        metadata = self._get_metadata(Fetching(self._fetcher))
        parameters = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self.provider.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if attempt.again else {}),
        }
        joint = "&" if "?" in metadata.authorization else "?"
        return f"{metadata.authorization}{joint}{urlencode(parameters)}"

    def finish(self, attempt: Attempt, answer: Answer) -> Person:
        """Who came back with an answer to an attempt that is this one's. Raises NotSignedIn."""
        fetching = Fetching(self._fetcher)
        metadata = self._get_metadata(fetching)
        self._require_issuer(metadata, answer)
        if answer.error:
            raise NotSignedIn(Trouble.DECLINED, f"the provider answered {_shown(answer.error)}")
        tokens = self._exchange(fetching, metadata, attempt, answer.code)
        claims = self._read_id_token(fetching, metadata, tokens.get("id_token"), attempt)
        missing = self.provider.claims - claims.keys()
        if missing and metadata.user_info is not None:
            claims = {**_ask_user_info(fetching, metadata.user_info, tokens, claims), **claims}
        person = read_person(self.provider, claims)
        if attempt.again:
            _require_fresh(person, attempt)
        return person

    def _require_issuer(self, metadata: Metadata, answer: Answer) -> None:
        """Refuse an answer that says that it is another provider's (RFC 9207 section 2.4)."""
        if answer.issuer and answer.issuer != self.provider.issuer:
            raise NotSignedIn(Trouble.UNTRUSTED, "the answer is of another issuer")
        if metadata.tells_issuer and not answer.issuer:
            raise NotSignedIn(Trouble.UNTRUSTED, "the answer does not say which issuer it is of")

    def _exchange(self, fetching: Fetching, metadata: Metadata, attempt: Attempt, code: str) -> Mapping[str, Any]:
        """Exchange the code for tokens (section 3.1.3)."""
        provider = self.provider
        form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self._callback),
            ("code_verifier", attempt.verifier),
        ]
        basic = None
        if provider.client_secret is not None and metadata.takes_basic:
            basic = (provider.client_id, provider.client_secret)
        else:
            form.append(("client_id", provider.client_id))
            if provider.client_secret is not None:
                form.append(("client_secret", provider.client_secret))
        reply = fetching.post(metadata.token, form, basic=basic)
        error = reply.document.get("error")
        if error == "invalid_grant":
            raise NotSignedIn(Trouble.STALE, "the provider does not take the code: invalid_grant")
        if error is not None or reply.status != 200:
            raise unreachable(f"the token endpoint answered {reply.status} {_shown(error)}")
        return reply.document

    def _read_id_token(
        self, fetching: Fetching, metadata: Metadata, text: object, attempt: Attempt
    ) -> Mapping[str, Any]:
        """Judge the ID token; by fresh keys where none of those that are known has signed it."""
        if not isinstance(text, str):
            raise NotSignedIn(Trouble.UNTRUSTED, "the provider gave no ID token")
        provider = self.provider
        expected = Expected(provider.issuer, provider.client_id, attempt.nonce, attempt.begun, self._now())
        try:
            return read_id_token(text, self._get_keys(fetching, metadata, KEPT), expected)
        except NoSuchKey:
            pass
        try:
            return read_id_token(text, self._get_keys(fetching, metadata, KEYS_PAUSE), expected)
        except NoSuchKey:
            raise NotSignedIn(Trouble.UNTRUSTED, "none of the provider's keys has signed the ID token") from None

    def _get_metadata(self, fetching: Fetching) -> Metadata:
        kept = self._metadata
        if kept is None or not kept.is_good(self._now(), KEPT):
            kept = self._metadata = _Kept(self._now(), fetch_metadata(self.provider, fetching))
        return kept.content

    def _get_keys(self, fetching: Fetching, metadata: Metadata, age_max: timedelta) -> tuple[Key, ...]:
        kept = self._keys
        if kept is None or not kept.is_good(self._now(), age_max):
            kept = self._keys = _Kept(self._now(), read_keys(fetching.get(metadata.keys)))
        return kept.content


def _ask_user_info(
    fetching: Fetching, url: str, tokens: Mapping[str, Any], claims: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the provider says of somebody beside the ID token, which is believed of the same subject alone (5.3.4)."""
    access = tokens.get("access_token")
    if not isinstance(access, str) or not access.isascii() or not access.isprintable():
        raise NotSignedIn(Trouble.UNTRUSTED, "the provider gave no access token")
    document = fetching.get(url, bearer=access)
    if document.get("sub") != claims.get("sub"):
        raise NotSignedIn(Trouble.UNTRUSTED, "the user info is about another subject")
    return document


def _require_fresh(person: Person, attempt: Attempt) -> None:
    """Refuse an answer to who was to prove anew who it is, unless the provider says that it was (section 3.1.2.1)."""
    told = person.authenticated
    if told is None or told.timestamp() < attempt.begun.timestamp() - LEEWAY_SECONDS:
        raise NotSignedIn(Trouble.UNTRUSTED, "the provider does not say that it asked anew who this is")


def _shown(error: object) -> str:
    """An error code of OAuth's, for the log; whatever else it is may be anything."""
    return error if isinstance(error, str) and _ERROR.fullmatch(error) else "with something that is no error code"

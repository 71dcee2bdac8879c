"""What is asked of a browser for a passkey, and whether its answer is right (Web Authentication level 3, section 7).

A device asks who holds it (user verification), by a finger, a face or a PIN, whenever a passkey is used: so one counts
as two factors. Imported where somebody uses one: nobody else need wait for what it imports.
"""

import json
import struct
from base64 import urlsafe_b64decode
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tokenry.domain.passkeys import ANSWER_LENGTH_MAX, PasskeyKey, RelyingParty
from tokenry.domain.users import User

TIMEOUT_MILLISECONDS = 300_000
_UNREADABLE = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    struct.error,
)
"""What reading an answer raises that somebody has made up."""


def ask_for_new(
    party: RelyingParty, user: User, *, handle: bytes, challenge: bytes, known: Sequence[bytes] = ()
) -> str:
    """What a browser is asked to make a passkey by, as JSON; `known` are those that the user has."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=f"tokenry ({party.id})",
        user_id=handle,
        user_name=user.username,
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return options_to_json(options)


def ask_for_known(party: RelyingParty, *, challenge: bytes, allowed: Sequence[bytes] = ()) -> str:
    """What a browser is asked for a passkey by, as JSON: for one of those that are `allowed`, or for any."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def read_new(party: RelyingParty, answer: str, *, challenge: bytes) -> PasskeyKey | None:
    """The passkey that a browser has made; None if the answer is not right (section 7.1)."""
    try:
        _refuse_framed(answer)
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except _UNREADABLE:
        return None
    return PasskeyKey(verified.credential_id, verified.credential_public_key, verified.sign_count)


def read_credential_id(answer: str) -> bytes | None:
    """Which passkey an answer says it is of; None if it says none."""
    try:
        _refuse_framed(answer)
        return parse_authentication_credential_json(answer).raw_id
    except _UNREADABLE:
        return None


def read_known(party: RelyingParty, answer: str, *, challenge: bytes, key: PasskeyKey, handle: bytes) -> int | None:
    """How often a passkey has signed, by the answer that it signed; None if that is not right (section 7.2).

    The count is not judged here: `is_cloned` does.
    """
    try:
        _refuse_framed(answer)
        told = parse_authentication_credential_json(answer).response.user_handle
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _UNREADABLE:
        return None
    if told is not None and told != handle:
        return None
    return verified.new_sign_count


def _refuse_framed(answer: str) -> None:
    """Raise ValueError for one that is too long, or was made in a frame of another site's page."""
    if len(answer) > ANSWER_LENGTH_MAX:
        raise ValueError("too long")
    told = json.loads(urlsafe_b64decode(json.loads(answer)["response"]["clientDataJSON"] + "==="))
    if told.get("crossOrigin"):
        raise ValueError("made in a frame of another site")

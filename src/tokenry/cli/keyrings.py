"""The system's keyring, through the library `keyring`, which comes with `tokenry[keyring]`."""

from typing import Any

from tokenry.cli.running import NOT_LOGGED_IN, CommandError
from tokenry.client import Secret

SERVICE = "tokenry"


def store_token(name: str, token: Secret) -> bool:
    """Keep a context's token; whether there is a keyring that does."""
    keyring = _find()
    if keyring is None:
        return False
    try:
        keyring.set_password(SERVICE, name, token.reveal())
        return bool(keyring.get_password(SERVICE, name) == token.reveal())  # some take everything and keep nothing
    except keyring.errors.KeyringError:
        return False


def get_token(name: str) -> Secret:
    """A context's token. Raises CommandError."""
    keyring = _require(name)
    try:
        text = keyring.get_password(SERVICE, name)
    except keyring.errors.KeyringError as error:
        raise CommandError(
            f"The keyring did not hand out the token of {name} ({type(error).__name__}): unlock it."
        ) from None
    if text is None:
        raise CommandError(f"The token of {name} is no longer in the keyring: log in again.", NOT_LOGGED_IN)
    return Secret(text)


def delete_token(name: str) -> None:
    """Take a context's token away. Raises CommandError."""
    keyring = _require(name)
    try:
        if keyring.get_password(SERVICE, name) is not None:
            keyring.delete_password(SERVICE, name)
    except keyring.errors.KeyringError as error:
        raise CommandError(f"The keyring did not delete the token of {name} ({type(error).__name__}).") from None


def _require(name: str) -> Any:
    keyring = _find()
    if keyring is None:
        raise CommandError(f"The token of {name} is in the keyring: run pip install 'tokenry[keyring]' to reach it.")
    return keyring


def _find() -> Any | None:
    """The library, where it is installed."""
    try:
        import keyring.errors  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return None
    return keyring

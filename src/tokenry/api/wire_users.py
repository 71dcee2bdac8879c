"""The wire format of users, in and out."""

from tokenry.domain.users import User


def write_user(user: User) -> dict[str, object]:
    """Write a user. What this service knows nothing of, a second factor, SSH keys and logins, is as if never used."""
    return {
        "username": user.username,
        "email": user.email,
        "restricted": user.restricted,
        "tfa_enabled": False,
        "ssh_keys": [],
        "user_type": user.type.value,
        "last_login": None,
        "password_created": None,
        "verified_phone_number": None,
    }

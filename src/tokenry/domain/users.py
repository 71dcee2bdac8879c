"""Users: who owns tokens, and the rules for their names and addresses."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from tokenry.domain.errors import Fault
from tokenry.domain.metadata import NO_METADATA, changed_keys
from tokenry.domain.policy import UserKind
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.texts import fold

USERNAME_LENGTH_MAX = 254
"""As long as an address, which is what many products have for a name."""
EMAIL_LENGTH_MAX = 254
_CHANGEABLE = ("username", "email", "admin", "child_account_access", "external_id")
_USERNAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+|-]{{0,{USERNAME_LENGTH_MAX - 1}}}", re.ASCII)
_PROXY_SUFFIX = re.compile(r"_[0-9a-f]{16}$")
# Before the sign nothing that separates addresses or quotes in a header; nor is there an encoded word anywhere.
_EMAIL = re.compile(
    r"(?!.*=\?)[^@\s,;:()<>\"\[\]\\]+@"
    r"[^@\s!-,/:-?\[-^`{-~]+"  # of ASCII's signs, a domain has dots, dashes and underscores
)


class UserType(Enum):
    """What a user's account is to others. A proxy is a parent account's hand in a child account."""

    DEFAULT = "default"
    PARENT = "parent"
    CHILD = "child"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who owns tokens. A disabled user's tokens are refused at once; enabling brings them back.

    An administrator manages the account's users. `child_account_access` lets somebody else of a parent account into
    its child accounts. With a `second_factor` nobody signs in as the user by a password alone. New tokens of the user
    may do no more than the `ceiling`. A `service` account is a program's, which never signs in: its ceiling is for the
    tokens that it makes for others. `external_id` is a product's name for the user, and `metadata` what it keeps with
    the user. One who is `disabled_by_backend` a service account may enable again.
    """

    id: int
    account_id: int
    username: str
    email: str
    admin: bool
    created: datetime
    disabled: datetime | None
    type: UserType = UserType.DEFAULT
    child_account_access: bool = False
    second_factor: bool = False
    ceiling: Scopes = EVERYTHING
    service: bool = False
    external_id: str | None = None
    metadata: str = NO_METADATA
    disabled_by_backend: bool = False

    @property
    def restricted(self) -> bool:
        """The wire format's word for not being an administrator."""
        return not self.admin

    def differences(self, other: "User") -> dict[str, object]:
        """What can be changed of a user and is other than in `other`, from and to; of metadata the keys alone."""
        keys = changed_keys(other.metadata, self.metadata)
        changes: dict[str, object] = {
            name: {"from": before, "to": after}
            for name, before, after in (
                *((name, getattr(other, name), getattr(self, name)) for name in _CHANGEABLE),
                ("ceiling", str(other.ceiling), str(self.ceiling)),
            )
            if before != after
        }
        return {**changes, "metadata": keys} if keys else changes

    @property
    def kind(self) -> UserKind:
        """What a policy's limits go by."""
        return UserKind.of(admin=self.admin, proxy=self.proxy, service=self.service)

    @property
    def enters_children(self) -> bool:
        """Whether the user may enter the account's child accounts, if it has any."""
        return self.admin or self.child_account_access

    @property
    def proxy(self) -> bool:
        """Whether it is a parent account's: an administrator who makes no tokens and stays called as it is."""
        return self.type is UserType.PROXY


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user that somebody asks for; both name and address are needed, and empty when they were not given.

    `language` is the one to be spoken to in, until the user chooses. `faults` are those found while reading the
    request; a field with one is not judged again.
    """

    username: str
    email: str
    restricted: bool = True
    language: str | None = None
    faults: tuple[Fault, ...] = ()

    def check(self) -> list[Fault]:
        """Say everything that is wrong with it."""
        faults = list(self.faults)
        unread = {fault.field for fault in faults}
        faults += [] if "username" in unread else username_faults(self.username)
        faults += [] if "email" in unread else email_faults(self.email)
        return faults


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different about a user; None is as it was. `faults` are those found while reading the request.

    The ceiling and a product's name for the user are the operator's alone to set here, and the metadata is whose who
    manages users.
    """

    username: str | None = None
    email: str | None = None
    restricted: bool | None = None
    ceiling: Scopes | None = None
    external_id: str | None = None
    metadata: str | None = None
    faults: tuple[Fault, ...] = ()

    def check(self, user: User) -> list[Fault]:
        """Say everything that is wrong with it; what the user already has is not judged again."""
        faults = list(self.faults)
        if user.service and self.restricted is False:
            faults.append(Fault("Must be true: a service account is no administrator", "restricted"))
        if self.username not in {None, user.username}:
            faults += username_faults(str(self.username))
        if self.email not in {None, user.email}:
            faults += email_faults(str(self.email))
        return faults

    def applied_to(self, user: User) -> User:
        """The user as it is to be."""
        return replace(
            user,
            username=user.username if self.username is None else self.username,
            email=user.email if self.email is None else self.email,
            admin=user.admin if self.restricted is None else not self.restricted,
            ceiling=user.ceiling if self.ceiling is None else self.ceiling,
            external_id=user.external_id if self.external_id is None else self.external_id,
            metadata=user.metadata if self.metadata is None else self.metadata,
        )


@dataclass(frozen=True, slots=True)
class GrantsChange:
    """What a restricted user is to be granted; None is as it was. `faults` are those found while reading."""

    child_account_access: bool | None = None
    faults: tuple[Fault, ...] = ()

    def check(self, user: User) -> list[Fault]:
        """Say everything that is wrong with it, for this user."""
        if user.admin:
            return [*self.faults, Fault("Unrestricted users have no grants: they already have full access")]
        return list(self.faults)

    def applied_to(self, user: User) -> User:
        """The user as it is to be."""
        if self.child_account_access is None:
            return user
        return replace(user, child_account_access=self.child_account_access)


def user_faults(*, username: str, email: str) -> list[Fault]:
    """Say what is wrong with a user's name and address; an empty address is none."""
    return username_faults(username) + (email_faults(email) if email else [])


def username_faults(username: str) -> list[Fault]:
    """Say what is wrong with a name. Names are safe in headers, paths and file names, and never a proxy user's."""
    if not _USERNAME.fullmatch(username):
        return [
            Fault(
                f"Must be 1-{USERNAME_LENGTH_MAX} ASCII letters, numbers, dots, dashes, underscores, and @, + or |, "
                "starting with a letter or number",
                "username",
            )
        ]
    if is_proxy_username(fold(username)):
        return [Fault("Must not end in an underscore and 16 hexadecimal digits, as proxy users' names do", "username")]
    return []


def is_proxy_username(username: str) -> bool:
    """Whether this is the name of a proxy user, as no other user's is. Its digits are lower-case."""
    return _PROXY_SUFFIX.search(username) is not None


def email_faults(email: str) -> list[Fault]:
    """Say what is wrong with an address."""
    if len(email) <= EMAIL_LENGTH_MAX and email.isprintable() and _EMAIL.fullmatch(email):
        return []
    return [Fault("Must be an email address", "email")]

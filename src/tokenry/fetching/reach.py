"""By which addresses a server may be asked, and that one cannot be."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

from tokenry.fetching import reasons
from tokenry.fetching.names import read_literal

_LOOPBACK = ("127.0.0.1", "::1")
"""What `localhost`, and every name below it, is for ever (RFC 6761, section 6.3)."""
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
"""What Python calls global, in some of its versions, and IANA's registries of special-purpose addresses do not."""


class NotFetched(Exception):  # noqa: N818 - it is told to people, who did nothing wrong
    """There is no answer; why, in words on what was asked (`reasons.py`)."""


class NotTried(NotFetched):
    """Nothing was asked, since too much else is: the other side did nothing wrong either."""


class Within(Protocol):
    """Some addresses."""

    @property
    def value(self) -> str:
        """Whose they are, in words that follow "of"."""

    def allows(self, address: str) -> bool:
        """Whether an address, as a name was resolved to, is one of them."""


class Reach(Enum):
    """What whoever chose the address of a server may have this service reach by it."""

    ANYTHING = "anything"
    """For what the operator chose: it may well stand in the same network."""
    INTERNET = reasons.INTERNET
    """For what strangers choose: nothing of this network."""
    INTERNET_AND_LOOPBACK = reasons.INTERNET_AND_LOOPBACK

    def allows(self, address: str) -> bool:
        """Whether an address, as a name was resolved to, is within it."""
        if self is Reach.ANYTHING or is_public(address):
            return True
        return self is Reach.INTERNET_AND_LOOPBACK and ip_address(address).is_loopback


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks that the operator named, and beside them the internet or nothing."""

    named: tuple[IPv4Network | IPv6Network, ...]
    internet: bool

    @property
    def value(self) -> str:
        """Whose they are."""
        return reasons.INTERNET_AND_NAMED if self.internet else reasons.NAMED

    def allows(self, address: str) -> bool:
        """Whether an address is in one of them."""
        if self.internet and is_public(address):
            return True
        return any(ip_address(address) in network for network in self.named)


INTERNET = Networks((), internet=True)


def is_out_of_reach(host: str, reach: Within) -> bool:
    """Whether no server is ever asked by a host, whatever its name is resolved to: one known without asking."""
    literal = read_literal(host)
    if literal is not None:
        return not reach.allows(literal)
    local = f".{host.lower().removesuffix('.')}".endswith(".localhost")
    return local and not any(map(reach.allows, _LOOPBACK))


def is_public(text: str) -> bool:
    """Whether an address is one of the internet, also where it stands inside another one."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    special = any(address in network for network in _NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not address.is_reserved and not special


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, by 6to4, Teredo or NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (None if teredo is None else teredo[1])

"""Where a token may be used from: addresses and networks, IPv4 and IPv6."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]

ANYWHERE: Networks = ()
NETWORKS_MAX = 50
UNIX_PEER = "unix:"
"""Stands for the address of whoever comes by a unix socket, as in nginx. It is in no network."""
SOCKET_PATH_BYTES_MAX = 107
"""What Linux has room for, unix(7)."""
ADDRESS_LENGTH_MAX = 64
"""Longer than any address, IPv6 with a zone. What a proxy says of its client may be any text, and is cut to this."""
# Narrower than `ip_network`, which also reads masks and zones: 10.0.0.0/255.0.0.0, fe80::1%eth0.
_SHAPE = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?", re.ASCII)
_MAPPED = IPv6Network("::ffff:0:0/96")


def read_network(text: str) -> Network | None:
    """Read `203.0.113.0/24`, or an address as the network that holds only it; None for anything else.

    An address with bits beyond the prefix, such as `10.0.0.1/8`, is none. An IPv4 network written inside IPv6
    (`::ffff:203.0.113.7`) is the IPv4 network: that is how a connection's address is known.
    """
    if not _SHAPE.fullmatch(text):
        return None
    try:
        network = ip_network(text)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return None if mapped is None else IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen))
    return network


@lru_cache(maxsize=4096)
def stored_networks(text: str) -> Networks:
    """Read networks that were checked before they were stored, separated by spaces; none means from anywhere."""
    return tuple(ip_network(part) for part in text.split())


def allows(networks: Networks, address: str | None) -> bool:
    """Whether somebody at this address is let in. An address that is unknown or none at all is in no network."""
    if not networks:
        return True
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # an IPv4 client of a socket that speaks both
    return any(found in network for network in networks)

"""Fetching a document whose address a stranger chose: nothing of this network can be reached by it.

The host is resolved once, every address it has is judged, and the connection goes to one that was judged: a name that
means another address a moment later (DNS rebinding) gains nothing. No redirect is followed, and no proxy asked.
"""

import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

FETCH_SECONDS_MAX = 5
DOCUMENT_BYTES_MAX = 32 * 1024
_NAT64 = IPv6Network("64:ff9b::/96")
_HTTP_OK = 200
_JSON = "application/json"


class NotFetched(Exception):  # noqa: N818 - it is told to people, who did nothing wrong
    """There is no such document; why, in words for the developer of a client."""


def fetch_json(url: str, *, loopback: bool = False) -> bytes:
    """Fetch a JSON document by https, or with `loopback` by http of this machine. Raises NotFetched.

    It is bounded in size and time, and nothing but a 200 is taken.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NotFetched("its port is not a number") from None
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = _Checked(host, port, secure=parts.scheme == "https", loopback=loopback)
    ending = threading.Timer(FETCH_SECONDS_MAX, connection.abort)
    ending.start()
    try:
        connection.request("GET", target, headers={"Accept": _JSON, "User-Agent": "tokenry"})
        answer = connection.getresponse()
        kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        if answer.status != _HTTP_OK or not (kind == _JSON or kind.endswith("+json")):
            raise NotFetched(f"it answers {answer.status} with {kind or 'nothing'}, not 200 with {_JSON}")
        body = answer.read(DOCUMENT_BYTES_MAX + 1)
    except (OSError, HTTPException, UnicodeError) as error:
        raise NotFetched(f"it cannot be reached ({type(error).__name__})") from None
    finally:
        ending.cancel()
        connection.close()
    if len(body) > DOCUMENT_BYTES_MAX:
        raise NotFetched(f"it has more than {DOCUMENT_BYTES_MAX} bytes")
    return body


def is_public(text: str) -> bool:
    """Whether an address is one of the internet, also where it stands inside another one."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, by 6to4, Teredo or NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (None if teredo is None else teredo[1])


class _Checked(HTTPConnection):
    """A connection to an address that was judged."""

    def __init__(self, host: str, port: int, *, secure: bool, loopback: bool) -> None:
        super().__init__(host, port, timeout=FETCH_SECONDS_MAX)
        self._secure = secure
        self._loopback = loopback
        self._aborted = False

    def connect(self) -> None:
        """Resolve, judge and connect. Raises NotFetched, OSError."""
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        if not addresses or not all(map(self._may_reach, addresses)):
            raise NotFetched("its host is not one of the internet")
        self.sock = socket.create_connection((addresses[0], self.port), FETCH_SECONDS_MAX)
        if self._aborted:
            raise TimeoutError
        if self._secure:
            context = ssl.create_default_context()
            # The handshake waits for the other side, and is ended as all else is: so the socket has to be there before.
            self.sock = secured = context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            secured.do_handshake()

    def abort(self) -> None:
        """End it, whatever it is waiting for."""
        self._aborted = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself

    def _may_reach(self, text: str) -> bool:
        return is_public(text) or (self._loopback and ip_address(text).is_loopback)

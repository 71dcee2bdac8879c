"""Texts that settings take: each is read here, or refused with ValueError; `settings.py` says what was wanted."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from tokenry.domain.mail import is_sender, read_mail_server
from tokenry.domain.networks import SOCKET_PATH_BYTES_MAX, UNIX_PEER
from tokenry.domain.public_url import is_loopback, read_public_url
from tokenry.domain.secrets import is_prefix
from tokenry.domain.words import is_realm, is_sentence

_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)


def require_networks(text: str) -> str:
    """Raise ValueError unless these are addresses, networks and UNIX_PEER. The server would keep others for nothing."""
    for each in filter(None, map(str.strip, text.split(","))):
        if each != UNIX_PEER:
            ip_network(each)
    return text


def read_networks(text: str) -> str:
    """Read networks, comma-separated. Raises ValueError."""
    return ",".join(str(ip_network(each)) for each in filter(None, map(str.strip, text.split(","))))


def read_origins(text: str) -> str:
    """Read origins of pages, comma-separated, as browsers write them. Raises ValueError."""
    return ",".join(read_public_url(each) for each in filter(None, map(str.strip, text.split(","))))


def read_optional_url(text: str | None) -> str | None:
    """Read the address of the service for browsers, if there is one. Raises ValueError."""
    return None if text is None else read_public_url(text)


def require_fetched(text: str | None) -> str | None:
    """Raise ValueError unless what is at this address can be believed: https, or http on this machine."""
    if text is not None:
        url = urlsplit(text)
        encrypted = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
        if not url.hostname or not encrypted or url.port == 0 or url.username is not None or url.fragment:
            raise ValueError
    return text


def require_socket_path(path: Path | None) -> Path | None:
    """Raise ValueError unless the system takes a path of this length for a socket."""
    if path is not None and len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise ValueError
    return path


def require_mode(text: str) -> str:
    """Raise ValueError unless this is a file's mode as chmod writes it, without what means nothing to a socket."""
    if not _MODE.fullmatch(text):
        raise ValueError
    return text


def require_prefix(text: str) -> str:
    """Raise ValueError unless personal tokens may begin with this."""
    if not is_prefix(text):
        raise ValueError
    return text


def require_realm(text: str) -> str:
    """Raise ValueError for what would have to be escaped in a header."""
    if not is_realm(text):
        raise ValueError
    return text


def require_sentence(text: str | None) -> str | None:
    """Raise ValueError for what would not be read as one line of text."""
    if text is not None and not is_sentence(text):
        raise ValueError
    return text


def require_mail_server(text: str | None) -> str | None:
    """Raise ValueError unless mail can go out by this server."""
    if text is not None:
        read_mail_server(text)
    return text


def require_sender(text: str | None) -> str | None:
    """Raise ValueError unless mail can be from this address."""
    if text is not None and not is_sender(text):
        raise ValueError
    return text

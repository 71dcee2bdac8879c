"""Redirect addresses: what can be registered, and that nothing but what is registered matches."""

import pytest

from tokenry.domain.redirects import REDIRECT_LENGTH_MAX, matches_redirect, redirect_faults

REGISTERED = "https://app.example/oauth/callback"
WITH_QUERY = "https://app.example/cb?a=1&b=2"
LOOPBACK = "http://127.0.0.1:8080/cb"
LOOPBACK_V6 = "http://[::1]/cb"
NAMED = "http://localhost"
PRIVATE = "com.example.app:/cb"

GOOD = [
    REGISTERED,
    WITH_QUERY,
    LOOPBACK,
    LOOPBACK_V6,
    NAMED,
    PRIVATE,
    "https://app.example",
    "https://app.example/",
    "https://app.example?a=/?",
    "https://app.example:8443/cb",
    "https://app.example//cb",
    "https://app.example/a%2Fb",
    "https://app.example/a...b/.c/..d",
    "https://[2001:db8::1]/cb",
    "https://192.0.2.1/cb",
    "https://xn--bcher-kva.example/cb",
    "https://localhost/cb",
    "http://localhost:5000/cb?a=1",
    "com.example.app://callback",
    "com.example.app://callback/x?a=1",
    "https://app.example/" + "a" * (REDIRECT_LENGTH_MAX - len("https://app.example/")),
]

LENGTH = "Length must be"
ASCII = "printable ASCII"
ABSOLUTE = "absolute address"
FRAGMENT = "a fragment"
WILDCARD = "a wildcard"
CHARACTER = "a character that addresses cannot have"
DOTS = "the segments . and .."
USER = "a user or a password"
ADDRESS = "a valid address"
HTTPS = "Must begin with https://"
SLASH = "a / after the scheme"

BAD = {
    "": LENGTH,
    "https://app.example/" + "a" * REDIRECT_LENGTH_MAX: LENGTH,
    "https://app.example/ä": ASCII,
    "https://bücher.example/cb": ASCII,
    "https://app.example/\u202ecb": ASCII,
    "https://app.example/\n": ASCII,
    "https://app.example/\tcb": ASCII,
    "https://app.example/\x00": ASCII,
    " https://app.example/cb": ABSOLUTE,
    "/cb": ABSOLUTE,
    "//app.example/cb": ABSOLUTE,
    "app.example/cb": ABSOLUTE,
    "HTTPS://app.example/cb": ABSOLUTE,
    "JavaScript:alert(1)": ABSOLUTE,
    "https://app.example/cb#": FRAGMENT,
    "https://app.example/cb#a": FRAGMENT,
    "https://app.example#@other.example/": FRAGMENT,
    "com.example.app:/cb#a": FRAGMENT,
    "https://*.app.example/cb": ADDRESS,
    "https://app.example/*": WILDCARD,
    "https://app.example/cb?a=*": WILDCARD,
    "com.example.*:/cb": ABSOLUTE,
    "https://app.example/a b": CHARACTER,
    "https://app.example/a\\b": CHARACTER,
    'https://app.example/"': CHARACTER,
    "https://app.example/<b>": CHARACTER,
    "https://app.example/a%2": CHARACTER,
    "https://app.example/a%zz": CHARACTER,
    "https://app.example/cb?a={b}": CHARACTER,
    "https://app.example/a/../cb": DOTS,
    "https://app.example/a/.": DOTS,
    "https://app.example/a/%2e%2E/cb": DOTS,
    "https://app.example/a/.%2e/cb": DOTS,
    "com.example.app:/../cb": DOTS,
    "https://user@app.example/cb": USER,
    "https://user:word@app.example/cb": USER,
    "https://app.example:443@other.example/cb": USER,
    "http://localhost@other.example/cb": USER,
    "https://app.example\\@other.example/cb": USER,
    "https:/cb": ADDRESS,
    "https:cb": ADDRESS,
    "https://": ADDRESS,
    "https:///cb": ADDRESS,
    "https://app.example:/cb": ADDRESS,
    "https://app.example:0/cb": ADDRESS,
    "https://app.example:65536/cb": ADDRESS,
    "https://app.example:a/cb": ADDRESS,
    "https://app..example/cb": ADDRESS,
    "https://app.example\\other/cb": ADDRESS,
    "https://app%2eexample/cb": ADDRESS,
    "https://127.1/cb": ADDRESS,
    "https://0x7f.1/cb": ADDRESS,
    "https://[::1/cb": ADDRESS,
    "https://[fe80::1%25eth0]/cb": ADDRESS,
    "http://app.example/cb": HTTPS,
    "http://127.0.0.2/cb": HTTPS,
    "http://127.0.0.1.other.example/cb": HTTPS,
    "http://localhost.other.example/cb": HTTPS,
    "http://localhost./cb": HTTPS,
    "http://LOCALHOST/cb": HTTPS,
    "http://[0:0:0:0:0:0:0:1]/cb": HTTPS,
    "http://[::ffff:127.0.0.1]/cb": HTTPS,
    "http://[::]/cb": HTTPS,
    "http://0.0.0.0/cb": HTTPS,
    "javascript:alert(1)": HTTPS,
    "javascript://app.example/%0aalert(1)": HTTPS,
    "data:text/html,x": HTTPS,
    "vbscript:x": HTTPS,
    "file:///etc/passwd": HTTPS,
    "about:blank": HTTPS,
    "blob:https://app.example/x": HTTPS,
    "ftp://app.example/cb": HTTPS,
    "myapp:/cb": HTTPS,
    "myapp://cb": HTTPS,
    "urn:ietf:wg:oauth:2.0:oob": HTTPS,
    "com..example:/cb": HTTPS,
    "com.example.:/cb": HTTPS,
    "com.example+x:/cb": HTTPS,
    "com.example.app:cb": SLASH,
    "com.example.app:": SLASH,
    "com.example.app://": SLASH,
    "com.example.app://user@cb": ADDRESS,
    "com.example.app://c\\b": ADDRESS,
}


@pytest.mark.parametrize("uri", GOOD)
def test_address_can_be_registered(uri: str) -> None:
    assert redirect_faults(uri) == []


@pytest.mark.parametrize("uri", BAD)
def test_address_cannot_be_registered(uri: str) -> None:
    [fault] = redirect_faults(uri, "field")
    assert BAD[uri] in fault.reason
    assert fault.field == "field"


@pytest.mark.parametrize("uri", GOOD)
def test_registered_address_matches_itself(uri: str) -> None:
    assert matches_redirect(uri, uri)


MANIPULATED = [
    # prefix and subdomain
    (REGISTERED, "https://app.example/oauth/callback.evil"),
    (REGISTERED, "https://app.example/oauth/callback2"),
    (REGISTERED, "https://app.example/oauth/callback/more"),
    (REGISTERED, "https://app.example/oauth/callbac"),
    (REGISTERED, "https://app.example.evil.example/oauth/callback"),
    (REGISTERED, "https://evilapp.example/oauth/callback"),
    (REGISTERED, "https://sub.app.example/oauth/callback"),
    (REGISTERED, "https://example/oauth/callback"),
    (REGISTERED, "https://app.example./oauth/callback"),
    # scheme and port
    (REGISTERED, "http://app.example/oauth/callback"),
    (REGISTERED, "https://app.example:443/oauth/callback"),
    (REGISTERED, "https://app.example:8443/oauth/callback"),
    ("https://app.example:8443/cb", "https://app.example/cb"),
    ("https://127.0.0.1:8443/cb", "https://127.0.0.1:8444/cb"),
    # path
    (REGISTERED, "https://app.example/"),
    (REGISTERED, "https://app.example/oauth/callback/"),
    (REGISTERED, "https://app.example//oauth/callback"),
    (REGISTERED, "https://app.example/oauth//callback"),
    (REGISTERED, "https://app.example/oauth/./callback"),
    (REGISTERED, "https://app.example/oauth/x/../callback"),
    (REGISTERED, "https://app.example/oauth/callback/../../evil"),
    (REGISTERED, "https://app.example/oauth/callback;x"),
    ("https://app.example", "https://app.example/"),
    # case
    (REGISTERED, "https://APP.example/oauth/callback"),
    (REGISTERED, "https://app.example/OAuth/callback"),
    (REGISTERED, "HTTPS://app.example/oauth/callback"),
    # encodings
    (REGISTERED, "https://app.example/oauth%2Fcallback"),
    (REGISTERED, "https://app.example/oauth/%63allback"),
    (REGISTERED, "https://app%2Eexample/oauth/callback"),
    ("https://app.example/a%2Fb", "https://app.example/a%2fb"),
    ("https://app.example/a%2Fb", "https://app.example/a/b"),
    # fragment, userinfo, backslash, white space, unicode
    (REGISTERED, "https://app.example/oauth/callback#"),
    (REGISTERED, "https://app.example/oauth/callback#evil"),
    (REGISTERED, "https://user@app.example/oauth/callback"),
    (REGISTERED, "https://app.example@evil.example/oauth/callback"),
    (REGISTERED, "https://evil.example\\@app.example/oauth/callback"),
    (REGISTERED, "https:\\\\app.example\\oauth\\callback"),
    (REGISTERED, "https://app.example/oauth/callback "),
    (REGISTERED, "https://app.example/oauth/callback\n"),
    (REGISTERED, "https://app.example/oauth/callback\x00"),
    (REGISTERED, "https://\u0430pp.example/oauth/callback"),
    (REGISTERED, "https://app\u3002example/oauth/callback"),
    (REGISTERED, "https://app.example/oauth/c\u00e4llback"),
    # query
    (REGISTERED, "https://app.example/oauth/callback?"),
    (REGISTERED, "https://app.example/oauth/callback?a=1"),
    (WITH_QUERY, "https://app.example/cb"),
    (WITH_QUERY, "https://app.example/cb?b=2&a=1"),
    (WITH_QUERY, "https://app.example/cb?a=1&b=2&c=3"),
    (WITH_QUERY, "https://app.example/cb?a=1"),
    # this machine: the port is free, and nothing else
    (LOOPBACK, "https://127.0.0.1:8080/cb"),
    (LOOPBACK, "http://localhost:8080/cb"),
    (LOOPBACK, "http://[::1]:8080/cb"),
    (LOOPBACK, "http://127.0.0.2:8080/cb"),
    (LOOPBACK, "http://127.1:8080/cb"),
    (LOOPBACK, "http://2130706433:8080/cb"),
    (LOOPBACK, "http://127.0.0.1:8080/cb/"),
    (LOOPBACK, "http://127.0.0.1:8080/CB"),
    (LOOPBACK, "http://127.0.0.1:8080/cb?a=1"),
    (LOOPBACK, "http://127.0.0.1:8080/cb#a"),
    (LOOPBACK, "http://127.0.0.1:8080"),
    (LOOPBACK, "http://127.0.0.1:/cb"),
    (LOOPBACK, "http://127.0.0.1:0/cb"),
    (LOOPBACK, "http://127.0.0.1:080/cb"),
    (LOOPBACK, "http://127.0.0.1:65536/cb"),
    (LOOPBACK, "http://127.0.0.1:+80/cb"),
    (LOOPBACK, "http://127.0.0.1:\u0668\u0660/cb"),
    (LOOPBACK, "http://127.0.0.1:80\\@evil.example/cb"),
    (LOOPBACK, "http://127.0.0.1:80@evil.example/cb"),
    (LOOPBACK, "http://127.0.0.1:80:90/cb"),
    (LOOPBACK, "http://127.0.0.1:8080/cb\n"),
    (LOOPBACK, "http://127.0.0.1.evil.example:8080/cb"),
    (LOOPBACK, "http://user@127.0.0.1:8080/cb"),
    (LOOPBACK_V6, "http://[0:0:0:0:0:0:0:1]:80/cb"),
    (LOOPBACK_V6, "http://[::0001]/cb"),
    (LOOPBACK_V6, "http://[::ffff:127.0.0.1]/cb"),
    (LOOPBACK_V6, "http://[::1%25lo]/cb"),
    (LOOPBACK_V6, "http://::1/cb"),
    (NAMED, "http://localhost/"),
    (NAMED, "http://LOCALHOST:5000"),
    (NAMED, "http://localhost.:5000"),
    (NAMED, "http://localhost:5000/evil"),
    (NAMED, "http://localhost:5000\n"),
    # an app's own scheme
    (PRIVATE, "com.example.app:cb"),
    (PRIVATE, "com.example.app://cb"),
    (PRIVATE, "com.example.app:/cb/"),
    (PRIVATE, "com.example.app2:/cb"),
    (PRIVATE, "COM.example.app:/cb"),
    (PRIVATE, ""),
]


@pytest.mark.parametrize(("registered", "presented"), MANIPULATED)
def test_manipulated_address_does_not_match(registered: str, presented: str) -> None:
    assert redirect_faults(registered) == []
    assert not matches_redirect(registered, presented)


@pytest.mark.parametrize(
    ("registered", "presented"),
    [
        (LOOPBACK, "http://127.0.0.1:51004/cb"),
        (LOOPBACK, "http://127.0.0.1/cb"),
        (LOOPBACK, "http://127.0.0.1:65535/cb"),
        (LOOPBACK_V6, "http://[::1]:51004/cb"),
        (NAMED, "http://localhost:51004"),
        ("http://localhost:3030/cb?a=1", "http://localhost:51004/cb?a=1"),
    ],
)
def test_port_of_a_loopback_address_is_free(registered: str, presented: str) -> None:
    assert matches_redirect(registered, presented)

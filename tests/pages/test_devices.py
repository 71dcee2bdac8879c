"""Browsers in words."""

import pytest

from tokenry.pages.devices import describe_agent

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "described"),
    [
        (CHROME, ("Chrome", "Linux")),
        (f"{CHROME} Edg/138.0", ("Edge", "Linux")),
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", ("Firefox", "Windows")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1", ("Safari", "iPhone")),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/138.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("Firefox/1", ("Firefox", "")),
        ("curl/8.14.1" + "a" * 100, ("curl/8.14.1" + "a" * 49, "")),
        ("", ("", "")),
        (None, ("", "")),
    ],
)
def test_browser_is_described_by_what_it_says(agent: str | None, described: tuple[str, str]) -> None:
    assert describe_agent(agent) == described

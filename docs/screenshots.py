"""`python -m docs.screenshots FOLDER`: a picture of every page of the console, as `tokenry demo` fills it.

Pages are found by following links, so none can be forgotten; of those that differ by a number alone one is shown. Each
is shown in each language, in a wide window and in a narrow one, in light and in dark.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tokenry.domain.profile import LANGUAGES
from tokenry.languages.catalogues import DEFAULT

PASSWORD = "correct horse battery staple"  # noqa: S105 - of a service that ends with this
SIZES: dict[str, ViewportSize] = {"": {"width": 1280, "height": 800}, "-narrow": {"width": 320, "height": 640}}
SCHEMES: dict[str, Literal["light", "dark"]] = {"": "light", "-dark": "dark"}
PAGES_MAX = 100
_LINK = re.compile(r"http://127\.0\.0\.1:\d+/link/\S+")
_NUMBER = re.compile(r"\d+")


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is needed: the Debian package chromium")
    with demonstration() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(link)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        page.get_by_role("button", name="Set password and sign in").click()
        page.wait_for_url("**/console")
        for language in LANGUAGES:
            page.set_extra_http_headers({"Accept-Language": language})
            suffix = "" if language == DEFAULT else f"-{language}"
            sys.stdout.writelines(f"{name}\n" for name in walk(page, folder, suffix))
        browser.close()


@contextmanager
def demonstration() -> Iterator[str]:
    """Run `tokenry demo` for the length of a block; the link by which its administrator chooses a password."""
    command = [str(Path(sys.executable).with_name("tokenry")), "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("Ready"):
                    break
            found = _LINK.search(said)
            assert found is not None, said
            yield found[0]
        finally:
            process.terminate()


def walk(page: Page, folder: Path, suffix: str) -> Iterator[str]:
    """Show every page of the console that a link leads to; the names of the pictures, which end as `suffix` says."""
    start = urlsplit(page.url)
    waiting, seen = ["/console"], set[str]()
    while waiting and len(seen) < PAGES_MAX:
        path = waiting.pop(0)
        kind = _NUMBER.sub("N", path)
        if kind in seen:
            continue
        seen.add(kind)
        page.goto(f"{start.scheme}://{start.netloc}{path}")
        name = (kind.strip("/").replace("/", "-") or "home") + suffix
        take(page, folder, name)
        yield name
        links: list[str] = page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
        ours = [urlsplit(each) for each in links]
        waiting += [
            each.path
            for each in ours
            if each.netloc == start.netloc
            and each.path.startswith(("/console", "/sign-in/security"))
            and not each.path.endswith(".csv")
        ]


def take(page: Page, folder: Path, name: str) -> None:
    """Show one page in each way."""
    for (narrow, size), (dark, scheme) in product(SIZES.items(), SCHEMES.items()):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.screenshot(path=folder / f"{name}{narrow}{dark}.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/_build/screenshots"))

"""The paths of the pages."""

from tokenry.pages.home import HomePages
from tokenry.pages.page import MakePage, Pages
from tokenry.pages.paths import HOME, SIGN_OUT
from tokenry.service.installation import Installation


def page_paths(installation: Installation, page: MakePage) -> Pages:
    """All pages for people."""
    home = HomePages(installation.sessions)
    return {
        HOME: page(GET=home.show_home),
        SIGN_OUT: page(GET=home.show_sign_out, POST=home.sign_out),
    }

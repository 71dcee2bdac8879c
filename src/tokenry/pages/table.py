"""The paths of the pages."""

from tokenry.domain.links import PATH
from tokenry.pages.authorize import AuthorizePages
from tokenry.pages.home import HomePages
from tokenry.pages.new_password import PasswordPages
from tokenry.pages.page import MakePage, Pages, Steps
from tokenry.pages.paths import AGAIN, AUTHORIZE, HOME, PASSWORD, SIGN_IN, SIGN_OUT
from tokenry.pages.sign_in import Attempts, SignInPages
from tokenry.service.hashing import Hashing
from tokenry.service.installation import Installation


def page_paths(installation: Installation, hashing: Hashing, attempts: Attempts, page: MakePage) -> Pages:
    """All pages for people."""
    sessions, passwords = installation.sessions, installation.passwords
    home = HomePages(sessions)
    sign_in = SignInPages(passwords, sessions, hashing, attempts)
    password = PasswordPages(installation.links, passwords, sessions, hashing)
    authorize = AuthorizePages(installation.authorizations, installation.catalogue, installation.public_url or "")
    return {
        HOME: page(GET=home.show_home, POST=home.end_other),
        SIGN_IN: page(GET=sign_in.show_sign_in, POST=Steps(sign_in.sign_in)),
        AGAIN: page(GET=sign_in.show_again, POST=Steps(sign_in.sign_in_again)),
        SIGN_OUT: page(GET=home.show_sign_out, POST=home.sign_out),
        PASSWORD: page(GET=password.show_password, POST=Steps(password.change_password)),
        PATH: page(GET=password.show_link, POST=Steps(password.use_link)),
        f"{PATH}/{{link}}": page(GET=password.open_link),
        AUTHORIZE: page(GET=authorize.show_request, POST=authorize.decide),
    }

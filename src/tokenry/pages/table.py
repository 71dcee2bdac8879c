"""The paths of the pages."""

from collections.abc import Sequence

from tokenry.domain.links import PATH
from tokenry.domain.seals import Tickets
from tokenry.openid.attempts import LIFETIME
from tokenry.openid.relying_party import RelyingParty
from tokenry.pages.authorize import AuthorizePages
from tokenry.pages.home import HomePages
from tokenry.pages.new_password import PasswordPages
from tokenry.pages.page import MakePage, Pages, Steps
from tokenry.pages.paths import AGAIN, AUTHORIZE, CALLBACK, HOME, PASSWORD, SIGN_IN, SIGN_OUT, WITH
from tokenry.pages.providers import ProviderPages
from tokenry.pages.sign_in import Attempts, SignInPages
from tokenry.service.hashing import Hashing
from tokenry.service.installation import Installation


def page_paths(
    installation: Installation,
    hashing: Hashing,
    attempts: Attempts,
    parties: Sequence[RelyingParty],
    page: MakePage,
) -> Pages:
    """All pages for people."""
    sessions, passwords = installation.sessions, installation.passwords
    home = HomePages(sessions)
    sign_in = SignInPages(passwords, sessions, hashing, attempts, [party.provider for party in parties])
    tickets = Tickets(installation.peppers, "provider", LIFETIME)
    providers = ProviderPages(parties, installation.identities, sessions, attempts, tickets)
    password = PasswordPages(installation.links, passwords, sessions, hashing)
    authorize = AuthorizePages(installation.authorizations, installation.catalogue, installation.public_url or "")
    return {
        HOME: page(GET=home.show_home, POST=home.end_other),
        SIGN_IN: page(GET=sign_in.show_sign_in, POST=Steps(sign_in.sign_in)),
        AGAIN: page(GET=sign_in.show_again, POST=Steps(sign_in.sign_in_again)),
        f"{WITH}/{{provider}}": page(GET=Steps(providers.begin)),
        f"{CALLBACK}/{{provider}}": page(GET=Steps(providers.finish)),
        SIGN_OUT: page(GET=home.show_sign_out, POST=home.sign_out),
        PASSWORD: page(GET=password.show_password, POST=Steps(password.change_password)),
        PATH: page(GET=password.show_link, POST=Steps(password.use_link)),
        f"{PATH}/{{link}}": page(GET=password.open_link),
        AUTHORIZE: page(GET=authorize.show_request, POST=authorize.decide),
    }

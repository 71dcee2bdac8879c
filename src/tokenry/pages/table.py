"""The paths of the pages."""

from collections.abc import Sequence

from tokenry.domain.device_codes import VERIFICATION_PATH
from tokenry.domain.links import LINK_PATH
from tokenry.domain.seals import Tickets
from tokenry.openid.attempts import LIFETIME
from tokenry.openid.relying_party import OpenIdRelyingParty
from tokenry.pages.authorize import AuthorizePages
from tokenry.pages.console.table import console_paths
from tokenry.pages.device import DevicePages
from tokenry.pages.front import Front
from tokenry.pages.home import HomePages
from tokenry.pages.new_password import PasswordPages
from tokenry.pages.page import MakePage, Pages, Steps
from tokenry.pages.passkey_sign_in import PasskeySignInPages
from tokenry.pages.passkeys import PasskeyPages
from tokenry.pages.paths import (
    AGAIN,
    AUTHORIZE,
    CALLBACK,
    HOME,
    ONE_TIME_PASSWORDS,
    PASSKEY,
    PASSKEYS,
    PASSWORD,
    RECOVERY_CODES,
    SECOND_STEP,
    SECURITY,
    SIGN_IN,
    SIGN_OUT,
    WITH,
)
from tokenry.pages.providers import ProviderPages
from tokenry.pages.second_step import SecondStepPages
from tokenry.pages.security import REMOVE, SecurityPages
from tokenry.pages.sign_in import SignInPages
from tokenry.pages.sign_in_again import SignInAgainPages
from tokenry.pages.throttle import Throttle
from tokenry.service.hashing import Hashing
from tokenry.service.installation import Installation


def page_paths(
    installation: Installation,
    hashing: Hashing,
    throttle: Throttle,
    parties: Sequence[OpenIdRelyingParty],
    page: MakePage,
) -> Pages:
    """All pages for people."""
    sessions, passwords = installation.sessions, installation.passwords
    home = HomePages(sessions)
    second_step = SecondStepPages(installation.second_steps, installation.passkey_sign_in, sessions, throttle)
    known = [party.provider for party in parties]
    sign_in = SignInPages(installation, hashing, throttle, second_step=second_step, providers=known)
    again = SignInAgainPages(installation, hashing, throttle, second_step=second_step, providers=known)
    password = PasswordPages(installation.links, passwords, sessions, hashing, second_step)
    tickets = Tickets(installation.peppers, "provider", LIFETIME)
    providers = ProviderPages(parties, installation.identities, sessions, throttle, tickets)
    authorize = AuthorizePages(installation.authorizations, installation.catalogue, installation.public_url or "")
    device = DevicePages(installation.device_codes, installation.catalogue, throttle)
    return {
        HOME: Front(page(GET=home.show_home), installation.public_url),
        SIGN_IN: page(GET=sign_in.show_sign_in, POST=Steps(sign_in.sign_in)),
        AGAIN: page(GET=again.show, POST=Steps(again.take), without_factor=True),
        SIGN_OUT: page(GET=home.show_sign_out, POST=home.sign_out, without_factor=True),
        f"{WITH}/{{provider}}": page(GET=Steps(providers.begin), acts=True),
        f"{CALLBACK}/{{provider}}": page(GET=Steps(providers.finish), acts=True),
        PASSWORD: page(GET=password.show_password, POST=Steps(password.change_password)),
        LINK_PATH: page(GET=password.show_link, POST=Steps(password.use_link), without_factor=True),
        f"{LINK_PATH}/{{link}}": page(GET=password.open_link, without_factor=True),
        AUTHORIZE: page(GET=authorize.show_request, POST=authorize.decide, acts=True),
        VERIFICATION_PATH: page(GET=Steps(device.show), POST=Steps(device.decide), acts=True),
        **console_paths(installation, page),
        SECOND_STEP: page(GET=second_step.show, POST=Steps(second_step.take), without_factor=True),
        **_factor_paths(installation, throttle, page),
    }


def _factor_paths(installation: Installation, throttle: Throttle, page: MakePage) -> Pages:
    security = SecurityPages(installation)
    passkeys = PasskeyPages(installation.passkeys, installation.sessions)
    passkey = PasskeySignInPages(installation.passkey_sign_in, installation.sessions, throttle)
    return {
        PASSKEY: page(GET=passkey.show, POST=Steps(passkey.use), without_factor=True),
        SECURITY: page(GET=security.show, without_factor=True),
        ONE_TIME_PASSWORDS: page(GET=security.show_set_up, POST=security.set_up, without_factor=True),
        REMOVE: page(GET=security.show_removal, POST=security.remove, without_factor=True),
        RECOVERY_CODES: page(GET=security.show_codes_question, POST=security.make_codes, without_factor=True),
        PASSKEYS: page(GET=passkeys.show_new, POST=passkeys.register, without_factor=True),
        f"{PASSKEYS}/{{passkey}}": page(GET=passkeys.show_one, POST=passkeys.change, without_factor=True),
    }

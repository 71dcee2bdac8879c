"""The paths of the console. A form of its pages is kept if somebody has to sign in before it can be sent."""

from functools import partial

from tokenry.pages.console.access import AccessPages
from tokenry.pages.console.admin.table import admin_paths
from tokenry.pages.console.settings import SettingsPages
from tokenry.pages.console.tokens import TokenPages
from tokenry.pages.navigation import APPLICATIONS, SESSIONS, SETTINGS
from tokenry.pages.page import MakePage, Pages
from tokenry.pages.paths import CONSOLE
from tokenry.service.installation import Installation


def console_paths(installation: Installation, page: MakePage) -> Pages:
    """All pages of the console."""
    page = partial(page, keeps_form=True)
    tokens = TokenPages(installation)
    access = AccessPages(installation)
    settings = SettingsPages(installation)
    return {
        CONSOLE: page(GET=tokens.show_list),
        APPLICATIONS.path: page(GET=access.show_apps, POST=access.end_app),
        SESSIONS.path: page(GET=access.show_sessions, POST=access.end_session),
        SETTINGS.path: page(GET=settings.show, POST=settings.save),
        **admin_paths(installation, page),
    }

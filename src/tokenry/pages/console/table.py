"""The paths of the console. A form of its pages is kept if somebody has to sign in before it can be sent."""

from functools import partial

from tokenry.domain.errors import NotFound
from tokenry.pages.console.access import AccessPages
from tokenry.pages.console.activity import ActivityPages
from tokenry.pages.console.admin.table import admin_paths
from tokenry.pages.console.children import ChildPages
from tokenry.pages.console.endings import EndingPages
from tokenry.pages.console.new_token import NewTokenPages
from tokenry.pages.console.notices import NOTICES, NOTIFICATIONS, NoticePages
from tokenry.pages.console.rotation import RotationPages
from tokenry.pages.console.settings import SettingsPages
from tokenry.pages.console.token import TokenPage
from tokenry.pages.console.tokens import TokenPages
from tokenry.pages.navigation import ACTIVITY, APPLICATIONS, CHILD_ACCOUNTS, SESSIONS, SETTINGS
from tokenry.pages.page import MakePage, Pages
from tokenry.pages.paths import CONSOLE, CONSOLE_TOKENS
from tokenry.pages.signed_in import only_recent
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.service.installation import Installation


def console_paths(installation: Installation, page: MakePage) -> Pages:
    """All pages of the console."""
    page = partial(page, keeps_form=True)
    tokens = TokenPages(installation)
    access = AccessPages(installation)
    settings = SettingsPages(installation)
    activity = ActivityPages(installation)
    notices = NoticePages(installation)
    return {
        CONSOLE: page(GET=tokens.show_list),
        **_token_paths(installation, page),
        f"{CONSOLE_TOKENS}/{{token_id}}/activity": page(GET=activity.show_token),
        ACTIVITY.path: page(GET=activity.show_own),
        f"{ACTIVITY.path}.csv": page(GET=activity.export),
        APPLICATIONS.path: page(GET=access.show_apps, POST=access.end_app),
        SESSIONS.path: page(GET=access.show_sessions, POST=access.end_session),
        SETTINGS.path: page(GET=settings.show, POST=settings.save),
        NOTIFICATIONS: page(GET=notices.lead_to_settings, POST=notices.choose),
        NOTICES: page(GET=notices.lead_to_list, POST=notices.dismiss),
        **_child_paths(installation, page),
        **admin_paths(installation, page),
        f"{CONSOLE}/{{rest:path}}": page(GET=_show_nothing),  # the last: what no other path is
    }


def _show_nothing(visit: Visit) -> Reply:
    """GET what is not there, which a person is told on a page; a slash too much is forgiven."""
    if not visit.path["rest"]:
        return Redirect(CONSOLE)
    raise NotFound


def _token_paths(installation: Installation, page: MakePage) -> Pages:
    new, one = NewTokenPages(installation), TokenPage(installation)
    endings, rotation = EndingPages(installation), RotationPages(installation)
    token = f"{CONSOLE_TOKENS}/{{token_id}}"
    return {
        # Before the paths with an id, which would match them.
        f"{CONSOLE_TOKENS}/new": page(GET=new.show_form, POST=new.take_form),
        f"{CONSOLE_TOKENS}/revoke": page(GET=endings.lead_back, POST=endings.end_some),
        f"{CONSOLE_TOKENS}/revoke-all": page(GET=endings.ask_for_all, POST=endings.end_all),
        token: page(GET=one.show, POST=one.change),
        f"{token}/revoke": page(GET=endings.ask_for_one, POST=endings.end_one),
        f"{token}/rotate": page(GET=rotation.ask, POST=rotation.rotate),
    }


def _child_paths(installation: Installation, page: MakePage) -> Pages:
    children = ChildPages(installation)
    return {
        CHILD_ACCOUNTS.path: page(GET=children.show_list),
        f"{CHILD_ACCOUNTS.path}/{{euuid}}/token": page(
            GET=children.show_token, POST=only_recent(children.create_token)
        ),
    }

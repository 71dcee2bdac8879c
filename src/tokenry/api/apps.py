"""`/profile/apps`: what users let OAuth clients in for."""

from tokenry.api.lists import read_list
from tokenry.api.wire import read_id, write_page, write_time
from tokenry.domain.errors import NotFound
from tokenry.domain.filters import Kind
from tokenry.domain.grants import AuthorizedApp
from tokenry.domain.scopes import READS, WRITES
from tokenry.service.apps import Apps
from tokenry.service.installation import Installation
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change

FILTERABLE = {"created": Kind.TIME, "expiry": Kind.TIME, "id": Kind.INTEGER, "label": Kind.TEXT, "scopes": Kind.TEXT}


def app_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/profile/apps` and what is below it."""
    apps = AppOperations(installation.apps)
    return {
        "/profile/apps": resource(GET=Operation(apps.list_apps, READS)),
        "/profile/apps/{app_id}": resource(GET=Operation(apps.get_app, READS), DELETE=change(apps.end_app, WRITES)),
    }


class AppOperations:
    """The operations on authorized apps."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    def list_apps(self, call: Call) -> object:
        """GET the apps, paged, filtered and ordered."""
        request, filter = read_list(call, FILTERABLE)
        return write_page(self._apps.list_apps(call.actor, request, filter), write_app)

    def get_app(self, call: Call) -> object:
        """GET one."""
        return write_app(self._apps.get_app(call.actor, _app_id(call)))

    def end_app(self, call: Call) -> object:
        """DELETE one: its client is let in no longer."""
        self._apps.end_app(call.origin, _app_id(call))
        return {}


def write_app(app: AuthorizedApp) -> dict[str, object]:
    """Write an app. Clients have no pictures here."""
    return {
        "id": app.id,
        "label": app.label,
        "scopes": str(app.scopes),
        "created": write_time(app.created),
        "expiry": None if app.expiry is None else write_time(app.expiry),
        "thumbnail_url": None,
        "website": app.website,
    }


def _app_id(call: Call) -> int:
    app_id = read_id(call.path["app_id"])
    if app_id is None:
        raise NotFound
    return app_id

"""`/profile/logins` and `/profile/devices`: what users see of how they signed in, and with which browsers they are."""

from tokenry.api.lists import read_list
from tokenry.api.wire import read_id, write_page, write_time
from tokenry.domain.errors import NotFound
from tokenry.domain.filters import Kind
from tokenry.domain.logins import Login
from tokenry.domain.scopes import READS, WRITES
from tokenry.domain.sessions import Session
from tokenry.service.installation import Installation
from tokenry.service.logins import Logins
from tokenry.service.sessions import Sessions
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change

LOGINS = {"datetime": Kind.TIME, "id": Kind.INTEGER, "ip": Kind.TEXT, "status": Kind.TEXT, "username": Kind.TEXT}
DEVICES = {
    "created": Kind.TIME,
    "expiry": Kind.TIME,
    "id": Kind.INTEGER,
    "last_authenticated": Kind.TIME,
    "last_remote_addr": Kind.TEXT,
    "user_agent": Kind.TEXT,
}


def sign_in_paths(installation: Installation, resource: MakeResource) -> Paths:
    """The paths of logins and devices."""
    logins = LoginOperations(installation.logins)
    devices = DeviceOperations(installation.sessions)
    return {
        "/profile/logins": resource(GET=Operation(logins.list_logins, READS)),
        "/profile/logins/{login_id}": resource(GET=Operation(logins.get_login, READS)),
        "/profile/devices": resource(GET=Operation(devices.list_devices, READS)),
        "/profile/devices/{device_id}": resource(
            GET=Operation(devices.get_device, READS), DELETE=change(devices.delete_device, WRITES)
        ),
    }


class LoginOperations:
    """`/profile/logins` and `/profile/logins/{login_id}`."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def list_logins(self, call: Call) -> object:
        """GET the caller's logins, paged, filtered and ordered."""
        request, filter = read_list(call, LOGINS)
        return write_page(self._logins.list_logins(call.actor, request, filter), write_login)

    def get_login(self, call: Call) -> object:
        """GET one."""
        return write_login(self._logins.get_login(call.actor, _read_id(call, "login_id")))


class DeviceOperations:
    """`/profile/devices` and `/profile/devices/{device_id}`: the sessions of browsers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def list_devices(self, call: Call) -> object:
        """GET the browsers that the caller is signed in with, paged, filtered and ordered."""
        request, filter = read_list(call, DEVICES)
        return write_page(self._sessions.list_sessions(call.actor, request, filter), write_device)

    def get_device(self, call: Call) -> object:
        """GET one."""
        return write_device(self._sessions.get_session(call.actor, _read_id(call, "device_id")))

    def delete_device(self, call: Call) -> object:
        """DELETE one, which is signed out from then on."""
        self._sessions.delete_session(call.origin, _read_id(call, "device_id"))
        return {}


def write_login(login: Login) -> dict[str, object]:
    """Write a login."""
    return {
        "id": login.id,
        "datetime": write_time(login.at),
        "ip": login.address,
        "username": login.username,
        "status": "successful" if login.succeeded else "failed",
        "restricted": login.restricted,
    }


def write_device(session: Session) -> dict[str, object]:
    """Write a browser that somebody is signed in with."""
    return {
        "id": session.id,
        "created": write_time(session.created),
        "expiry": write_time(session.expires),
        "last_authenticated": write_time(session.authenticated),
        "last_remote_addr": session.address,
        "user_agent": session.agent,
    }


def _read_id(call: Call, name: str) -> int:
    number = read_id(call.path[name])
    if number is None:
        raise NotFound
    return number

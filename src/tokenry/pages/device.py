"""`/device` (RFC 8628): somebody types the code that a device shows, sees who asks, and lets it in or turns it away.

An address that has the code in it asks just the same: somebody may have sent it who wants to be let in (section 5.4).
"""

from functools import partial

from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Client
from tokenry.domain.device_codes import DeviceRequest, read_user_code
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.oauth import OAuthRefusal
from tokenry.pages.authorize import AGREE, CANCEL
from tokenry.pages.page import Run
from tokenry.pages.paths import HOME
from tokenry.pages.signed_in import require_recent
from tokenry.pages.throttle import TOO_OFTEN, Throttle
from tokenry.pages.visits import Redirect, Reply, Visit, show
from tokenry.pages.wording import is_dangerous, list_permissions
from tokenry.printable import printable
from tokenry.service.grants.device_code import DeviceCodes

ATTEMPT = "device"
UNKNOWN = "No device waits with this code. It may have expired: begin anew on the device."


class DevicePages:
    """The page where the user of a device answers it."""

    def __init__(self, device_codes: DeviceCodes, catalogue: Catalogue, throttle: Throttle) -> None:
        self._device_codes = device_codes
        self._catalogue = catalogue
        self._throttle = throttle

    async def show(self, visit: Visit, run: Run) -> Reply:
        """GET the form for a code; with a code, who asks with it."""
        _ = visit.signed_in
        text = visit.query.get("user_code")
        return await self._ask(visit, run, text) if text else show("device", user_code="")

    async def decide(self, visit: Visit, run: Run) -> Reply:
        """POST what the user says to a code."""
        _ = visit.signed_in
        text, decision = visit.form.get("user_code"), visit.form.find("decision")
        user_code = read_user_code(text)
        if decision not in (AGREE, CANCEL) or user_code is None:
            return await self._ask(visit, run, text)
        if await self._throttle.refuses_session(visit.signed_in, visit.address, ATTEMPT):
            return show("device", 429, user_code=text, faults=[Fault(TOO_OFTEN)])
        return await run(partial(self._answer, visit, user_code, agrees=decision == AGREE), writes=True)

    async def _ask(self, visit: Visit, run: Run, text: str) -> Reply:
        """Show who asks with a code. Whoever guesses is stopped, and told the same of every code that does not wait."""
        if await self._throttle.refuses_session(visit.signed_in, visit.address, ATTEMPT):
            return show("device", 429, user_code=text, faults=[Fault(TOO_OFTEN)])
        user_code = read_user_code(text)
        found = None if user_code is None else await run(partial(self._device_codes.find, user_code))
        if found is None or user_code is None:
            return _unknown(text)
        return self._show(visit, user_code, *found)

    def _show(self, visit: Visit, user_code: str, request: DeviceRequest, client: Client) -> Reply:
        if is_dangerous(request.scopes):
            require_recent(visit)
        return show(
            "device_question",
            user_code=user_code,
            client=client,
            label=printable(client.label),
            address=request.address,
            audience=request.audience,
            user=visit.signed_in.user,
            narrowing=False,
            everything=request.scopes.everything,
            dangerous=is_dangerous(request.scopes),
            permissions=list_permissions(request.scopes, self._catalogue),
        )

    def _answer(self, visit: Visit, user_code: str, *, agrees: bool) -> Reply:
        session = visit.signed_in
        if not agrees:
            done = self._device_codes.refuse(visit.origin, user_code)
            return Redirect(HOME, flash="device-refused") if done else _unknown(user_code)
        found = self._device_codes.find(user_code)
        if found is None:
            return _unknown(user_code)
        if is_dangerous(found[0].scopes):
            require_recent(visit)
        try:
            done = self._device_codes.approve(visit.origin, session.user.id, user_code, session=session)
        except OAuthRefusal as refusal:
            raise Invalid(*refusal.faults) from None
        return Redirect(HOME, flash="device-allowed") if done else _unknown(user_code)


def _unknown(text: str) -> Reply:
    return show("device", 400, user_code=text[:32], faults=[Fault(UNKNOWN, "user_code")])

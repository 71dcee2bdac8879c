"""Looking after something every so often, whatever happens: a task that fails takes all others of its group along."""

import asyncio
from collections.abc import Callable

from tokenry.complaints import Complaints


async def look_every(seconds: float, look: Callable[[], None]) -> None:
    """Look until cancelled. What a look raises is a defect: the log says it, and the next look comes all the same."""
    complaints = Complaints("a defect: something was not looked after")
    while True:
        await asyncio.sleep(seconds)
        try:
            look()
        except Exception as error:  # noqa: BLE001 - as above
            complaints.add(repr(error), with_traceback=True)

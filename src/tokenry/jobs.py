"""What is done every so often beside the answers, whatever one turn of it meets. `wiring.py` has the table of all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from anyio import create_task_group

from tokenry.complaints import Complaints
from tokenry.domain.errors import Unavailable


class Where(Enum):
    """Which processes do a job."""

    PROCESS = "every process that decides on tokens: workers of the service, and applications that decide themselves"
    WORKER = "every worker of the service"
    FLEET = "one worker in turn, of all hosts that share the database"


@dataclass(frozen=True, slots=True)
class Job:
    """What is done every so many seconds, the first time after as many, or `at_once`; and what one turn of it does.

    A job of the fleet asks by itself whether it is its turn (`storage/jobs.py`). It asks at least once a minute however
    rare its turns are: a service that is restarted now and then would else never do it.
    """

    name: str
    seconds: float
    where: Where
    run: Callable[[], Awaitable[None] | None]
    at_once: bool = False


async def run_jobs(jobs: Iterable[Job]) -> None:
    """Do these jobs until cancelled. One that fails takes no other along: the log says it, and its next turn comes."""
    async with create_task_group() as tasks:
        for job in jobs:
            tasks.start_soon(_repeat, job)


async def _repeat(job: Job) -> None:
    complaints = Complaints(f"{job.name}: not done for now")
    if not job.at_once:
        await asyncio.sleep(job.seconds)
    while True:
        try:
            under_way = job.run()
            if under_way is not None:
                await under_way
        except Unavailable as error:
            complaints.add(error.reason)
        except Exception as error:  # noqa: BLE001 - a defect, for which no other job should pay
            complaints.add(repr(error), with_traceback=True)
        await asyncio.sleep(job.seconds)

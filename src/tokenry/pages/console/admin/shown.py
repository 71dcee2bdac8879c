"""Showing a page of the administration, and who is shown one."""

from collections.abc import Callable, Sequence

from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Fault
from tokenry.pages.console.admin.places import OF_ADMINISTRATION
from tokenry.pages.console.admin.questions import Question
from tokenry.pages.console.shown import show_in
from tokenry.pages.navigation import ADMINISTRATION, Section
from tokenry.pages.visits import Reply, Shown, Visit

SECRET_OF = "The secret of %(name)s"  # noqa: S105 - a title
"""The title of a page that shows a secret, once."""


def show_admin(part: Section, template: str, status: int = 200, **values: object) -> Shown:
    """Show a page of a part of the administration: `template` is a name in `templates/console/admin`."""
    return show_in(
        ADMINISTRATION, f"admin/{template}", status, **{"parts": OF_ADMINISTRATION, "part": part.title, **values}
    )


def show_question(
    part: Section,
    question: Question,
    name: str,
    *,
    action: str,
    back: str,
    faults: Sequence[Fault] = (),
) -> Shown:
    """Show a question about what is called `name`: `action` is where the answer goes, and `back` where "no" leads."""
    return show_admin(
        part,
        "question",
        400 if faults else 200,
        faults=faults,
        question=question,
        name=name,
        action=action,
        back=back,
    )


def for_administrators(operation: Callable[[Visit], Reply]) -> Callable[[Visit], Reply]:
    """The same operation for administrators; others are shown that it is not for them.

    The use case of a page says so as well; this is for those that have none, and for what is read before it.
    """

    def guarded(visit: Visit) -> Reply:
        require_administrator(visit.signed_in.user)
        return operation(visit)

    return guarded

"""A form that could not be taken yet: what was typed is shown once more, to be sent when somebody is signed in."""

from tokenry.domain.errors import Refusal
from tokenry.pages.forgery import FIELD
from tokenry.pages.signed_in import NotRecent, start_path
from tokenry.pages.visits import Reply, Visit, show

SECRETS = frozenset({"secret", "password"})
"""Fields that have to be typed again: no page but the one that shows a new secret has one in its source."""


def show_kept(visit: Visit, refusal: Refusal) -> Reply:
    """Offer to send a form of a page of ours again, which another site cannot do; it does nothing by itself.

    Who is signed in by now, and was not long ago asked who it is, can send it at once. Others sign in first, in another
    tab, so that this page stays.
    """
    ready = visit.session is not None and not isinstance(refusal, NotRecent)
    kept = [(name, value) for name, value in visit.form.pairs if name not in {FIELD, *SECRETS}]
    return show(
        "kept",
        403,
        fields=kept,
        lost=any(name in SECRETS for name, _ in visit.form.pairs),
        action=visit.target,
        start=None if ready else start_path(visit, "/console"),
    )

"""`tokenry admin audit …`."""

from itertools import chain

from tokenry.cli.options import AUDIT_SHOWN, AuditLimit, OfAction, OfActor, OfSubject, takes_groups
from tokenry.cli.output import Output, Row, write_time
from tokenry.cli.running import group
from tokenry.domain.audit import Entry
from tokenry.domain.filters import All, Comparison, Filter, Operator
from tokenry.operator.options import LOCAL, takes_settings
from tokenry.settings import Settings
from tokenry.wiring import open_installation

COLUMNS = ("id", "at", "actor", "token", "address", "action", "subject", "details")
SPARE = ("details", "token", "address")
"""Those that it does without where there is no room for all."""

app = group(help="The audit trail: who changed what, and when.", no_args_is_help=True)


@app.command("list")
@takes_settings(*LOCAL)
@takes_groups
def list_audit(
    output: Output,
    subject: OfSubject = None,
    action: OfAction = None,
    actor: OfActor = None,
    limit: AuditLimit = None,
    *,
    settings: Settings,
) -> None:
    """List changes, newest first."""
    printer = output.of(COLUMNS, spare=SPARE)
    asked = (("action", action), ("actor", actor))
    conditions = [Comparison(field, Operator.EQUAL, wanted) for field, wanted in asked if wanted is not None]
    pieces = open_installation(settings).audit.export_all(subject, Filter(All(tuple(conditions))))
    printer.write_list(map(_write, chain.from_iterable(pieces)), limit, otherwise=AUDIT_SHOWN)


def _write(event: Entry) -> Row:
    return {
        "id": event.id,
        "at": write_time(event.at),
        "actor": event.actor,
        "token": event.actor_token_id,
        "address": event.address,
        "action": event.action,
        "subject": event.subject,
        "details": dict(event.details),
    }

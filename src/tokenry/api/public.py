"""What needs no token: leak reports, the scopes there are, and lists that a new client asks for before it has one."""

from collections.abc import Callable
from functools import partial

from tokenry.api.empty import IMAGES, REGIONS, TYPES, empty_list
from tokenry.api.leaks import REPORTS, revoke_reported
from tokenry.domain.callers import Callers
from tokenry.domain.catalogue import write_json
from tokenry.service.installation import Installation
from tokenry.web.requests import Call
from tokenry.web.resource import MakeResource, Operation, Paths, change


def public_paths(installation: Installation, resource: MakeResource) -> Paths:
    """The paths that are for anybody."""
    report = change(partial(revoke_reported, installation.leaks), who=Callers.ANYBODY, bucket=REPORTS)
    lists = {"/regions": REGIONS, "/linode/types": TYPES, "/images": IMAGES}
    return {
        "/credentials/revoke": resource(POST=report),
        "/tokenry/scopes": resource(GET=Operation(_tell(write_json(installation.catalogue)), who=Callers.ANYBODY)),
        **{path: resource(GET=Operation(empty_list(fields), who=Callers.ANYBODY)) for path, fields in lists.items()},
    }


def _tell(answer: object) -> Callable[[Call], object]:
    """An operation: GET what is the same for everybody."""
    return lambda _: answer

"""What needs no token: leak reports, and lists that a new client asks for before it has one."""

from functools import partial

from tokenry.api.empty import IMAGES, REGIONS, TYPES, empty_list
from tokenry.api.leaks import REPORTS, revoke_reported
from tokenry.domain.callers import Callers
from tokenry.service.installation import Installation
from tokenry.web.resource import MakeResource, Operation, Paths, change


def public_paths(installation: Installation, resource: MakeResource) -> Paths:
    """The paths that are for anybody."""
    report = change(partial(revoke_reported, installation.leaks), who=Callers.ANYBODY, bucket=REPORTS)
    lists = {"/regions": REGIONS, "/linode/types": TYPES, "/images": IMAGES}
    return {
        "/credentials/revoke": resource(POST=report),
        **{path: resource(GET=Operation(empty_list(fields), who=Callers.ANYBODY)) for path, fields in lists.items()},
    }

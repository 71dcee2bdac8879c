"""The paths of users' own tokens."""

from tokenry.api.tokens.details import DetailsOperations
from tokenry.api.tokens.effects import effective
from tokenry.api.tokens.operations import TokenOperations, itself
from tokenry.domain.scopes import READS, WRITES
from tokenry.service.installation import Installation
from tokenry.web.resource import MakeResource, Operation, Paths, change


def token_paths(installation: Installation, resource: MakeResource) -> Paths:
    """`/profile/tokens` and what is below it."""
    tokens = TokenOperations(installation.tokens, installation.rotations, installation.policies)
    details = DetailsOperations(installation.details)
    rotate = effective(tokens.rotate_token)
    return {
        "/profile/tokens": resource(
            GET=Operation(tokens.list_tokens, READS),
            POST=change(effective(tokens.create_token), WRITES),
        ),
        # Before the paths with an id, which would match it.
        "/profile/tokens/details": resource(GET=Operation(details.list_details, READS)),
        "/profile/tokens/policy": resource(GET=Operation(tokens.get_policy, READS)),
        "/profile/tokens/revoke-others": resource(POST=change(effective(tokens.revoke_other_tokens), WRITES)),
        "/profile/tokens/{token_id}": resource(
            GET=Operation(tokens.get_token, READS, for_itself=Operation(itself(tokens.get_token))),
            PUT=change(effective(tokens.rename_token), WRITES),
            DELETE=change(tokens.revoke_token, WRITES),
        ),
        "/profile/tokens/{token_id}/rotate": resource(POST=change(rotate, WRITES, for_itself=change(itself(rotate)))),
        "/profile/tokens/{token_id}/details": resource(
            GET=Operation(details.get_details, READS, for_itself=Operation(itself(details.get_details))),
            PUT=change(effective(details.update_details, "metadata"), WRITES),
        ),
    }

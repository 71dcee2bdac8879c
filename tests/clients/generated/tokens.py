"""What one does with tokens, through the client that openapi-python-client makes of the description."""

import json
import os
import sys

from tokenry_client import AuthenticatedClient
from tokenry_client.api.personal_access_tokens import (
    delete_personal_access_token,
    get_personal_access_token,
    get_personal_access_tokens,
    post_personal_access_token,
    put_personal_access_token,
)
from tokenry_client.models import ApiVersion, Errors, NewToken, TokenUpdate
from tokenry_client.types import Response

client = AuthenticatedClient(base_url=os.environ["TOKENRY_URL"], token=os.environ["TOKENRY_TOKEN"])
stranger = AuthenticatedClient(base_url=os.environ["TOKENRY_URL"], token="unknown")
V4 = ApiVersion.V4


def refusal(response: Response[object]) -> dict[str, object]:
    """The status of a refusal, and what it says."""
    assert isinstance(response.parsed, Errors)
    return {"status": response.status_code, "errors": [error.to_dict() for error in response.parsed.errors]}


body = NewToken(label="generated", scopes="linodes:read_only", expiry="2030-01-01T13:46:32")
created = post_personal_access_token.sync(V4, client=client, body=body)
only = json.dumps({"label": {"+contains": "generated"}})
page = get_personal_access_tokens.sync(V4, client=client, page=1, page_size=25, x_filter=only)
viewed = get_personal_access_token.sync(V4, created.id, client=client)
renamed = put_personal_access_token.sync(V4, created.id, client=client, body=TokenUpdate(label="renamed"))
deleted = delete_personal_access_token.sync(V4, created.id, client=client)
missing = get_personal_access_token.sync_detailed(V4, created.id, client=client)
faulty = post_personal_access_token.sync_detailed(V4, client=client, body=NewToken(label=""))
unknown = get_personal_access_tokens.sync_detailed(V4, client=stranger)

outcome = {
    "created": created.to_dict(),
    "listed": page.to_dict(),
    "viewed": viewed.to_dict(),
    "renamed": renamed.to_dict(),
    "deleted": deleted.to_dict(),
    "missing": refusal(missing),
    "faulty": refusal(faulty),
    "unknown": refusal(unknown),
}
json.dump(outcome, sys.stdout)

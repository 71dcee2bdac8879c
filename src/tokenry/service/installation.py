"""How an installation begins: the account, its administrator and a first token, all or nothing."""

from collections.abc import Callable

from tokenry.domain.accounts import Origin
from tokenry.domain.policy import NO_RULES
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NewToken
from tokenry.service.accounts import Accounts
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.storage.installation import claim_installation

FIRST_COMPANY = "tokenry"
FIRST_USERNAME = "admin"
FIRST_LABEL = "first token"


def begin_installation(
    transactions: Transactions, accounts: Accounts, tokens: Tokens, deliver: Callable[[Secret], None]
) -> Secret | None:
    """Make the account, its administrator and a token with scope `*`, unless there is an account; the token, or None.

    `deliver` is called before anything is final: if it raises, nothing was made, so no token is ever lost unseen.
    """
    with transactions.change(Origin("first start")) as change:
        claim_installation(change.connection)
        admin = accounts.create_first(change, company=FIRST_COMPANY, admin_username=FIRST_USERNAME)
        if admin is None:
            return None
        new = NewToken(label=FIRST_LABEL)
        # A policy that was set before the first start does not concern this token: without it nothing could start.
        _, secret = tokens.issue(change, user_id=admin.id, limit=EVERYTHING, rules=NO_RULES, new=new)
        deliver(secret)
    return secret

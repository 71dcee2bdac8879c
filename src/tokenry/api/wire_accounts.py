"""The wire format of accounts, in and out."""

from collections.abc import Mapping

from tokenry.api.wire import write_time
from tokenry.domain.accounts import SETTINGS, Account, AccountChange
from tokenry.domain.errors import Fault
from tokenry.web.bodies import read_key


def write_account(account: Account) -> dict[str, object]:
    """Write an account. There is no billing here: balances are nothing, and there is no card."""
    contact = account.contact
    return {
        "company": account.company,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "address_1": contact.address_1,
        "address_2": contact.address_2,
        "city": contact.city,
        "state": contact.state,
        "zip": contact.zip,
        "country": contact.country,
        "phone": contact.phone,
        "balance": 0.0,
        "tax_id": contact.tax_id,
        "billing_source": "akamai",
        "credit_card": {"last_four": None, "expiry": None},
        "balance_uninvoiced": 0.0,
        "active_since": write_time(account.created),
        "capabilities": [],
        "active_promotions": [],
        "euuid": account.euuid,
    }


def read_account_change(body: Mapping[str, object]) -> AccountChange:
    """Read the body of an update. Other keys are read-only, so ignored."""
    faults: list[Fault] = []
    settings = {name: read_key(body, name, str, faults) for name in SETTINGS}
    return AccountChange({name: value for name, value in settings.items() if value is not None}, tuple(faults))

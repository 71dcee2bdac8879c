"""The parts of the administration."""

from tokenry.pages.navigation import Section
from tokenry.pages.paths import ADMIN

OVERVIEW = Section("Overview", ADMIN)
ALL_TOKENS = Section("All tokens", f"{ADMIN}/tokens")
USERS = Section("Users", f"{ADMIN}/users")
SERVICE_ACCOUNTS = Section("Service accounts", f"{ADMIN}/service-accounts")
CLIENTS = Section("OAuth clients", f"{ADMIN}/clients")
WEBHOOKS = Section("Webhooks", f"{ADMIN}/webhooks")
MAIL = Section("Mail", f"{ADMIN}/mail")
AUDIT = Section("Audit", f"{ADMIN}/audit")
SCOPES = Section("Scopes", f"{ADMIN}/scopes")
POLICY = Section("Policy", f"{ADMIN}/policy")
LEAKED = Section("Revoke a secret", f"{ADMIN}/leaked")
OF_ADMINISTRATION = (
    OVERVIEW,
    ALL_TOKENS,
    USERS,
    SERVICE_ACCOUNTS,
    CLIENTS,
    WEBHOOKS,
    MAIL,
    AUDIT,
    SCOPES,
    POLICY,
    LEAKED,
)
"""The parts of the administration: a second row of links, below the sections."""

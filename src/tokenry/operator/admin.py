"""`tokenry admin …`."""

from tokenry.cli.running import group
from tokenry.operator import accounts, audit, clients, mail, policy, service_accounts, tokens, users, verify, webhooks

app = group(help="Accounts, users, anybody's tokens, policy and audit, on the local database.", no_args_is_help=True)
app.add_typer(accounts.app, name="account")
app.add_typer(users.app, name="user")
app.add_typer(service_accounts.app, name="service-account")
app.add_typer(tokens.app, name="token")
app.add_typer(clients.app, name="client")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(mail.app, name="mail")
app.add_typer(webhooks.app, name="webhook")
app.command()(verify.verify)

"""What was done, in words: for each event of the audit what people are told of it, in English."""

from collections.abc import Mapping

from tokenry.domain.details import Reason

HAPPENINGS: Mapping[str, str] = {
    "token.create": "A token was made",
    "token.rename": "A token was renamed",
    "token.update": "A token's details were changed",
    "token.rotate": "A token got another secret",
    "token.reissue": "A lost secret was replaced",
    "token.shorten": "A token expires sooner, by the policy",
    "token.disable": "A token was disabled",
    "token.enable": "A token was enabled",
    "token.watch": "A token is watched whether fewer scopes would do",
    "token.unwatch": "A token is watched no more",
    "token.narrow": "A token was kept to fewer scopes",
    "token.revoke": "A token was revoked",
    "user.create": "A user was made",
    "user.update": "A user was changed",
    "user.disable": "A user was disabled",
    "user.enable": "A user was enabled",
    "user.delete": "A user was deleted",
    "page_token.create": "A page was let in for a few minutes",
    "profile.update": "Settings were changed",
    "session.begin": "Somebody signed in",
    "session.end": "Somebody was signed out",
    "authenticator.set": "One-time passwords were set up",
    "authenticator.remove": "One-time passwords were given up",
    "passkey.add": "A passkey was added",
    "passkey.rename": "A passkey was renamed",
    "passkey.remove": "A passkey was removed",
    "passkey.clone": "A copied passkey was refused",
    "recovery_codes.make": "Recovery codes were made",
    "recovery_codes.use": "A recovery code was used",
    "factors.reset": "All second factors were taken away",
    "password.set": "A password was set",
    "link.create": "A link to choose a password was made",
    "identity.link": "A provider's user was linked",
    "identity.unlink": "A provider's user was unlinked",
    "account.create": "An account was made",
    "account.update": "An account was changed",
    "account.detach": "A child account became one of its own",
    "client.create": "An OAuth client was registered",
    "client.update": "An OAuth client was changed",
    "client.reset_secret": "An OAuth client got another secret",
    "client.disable": "An OAuth client was disabled",
    "client.enable": "An OAuth client was enabled",
    "client.delete": "An OAuth client was deleted",
    "app.allow": "An application was let in",
    "app.end": "An application's access was ended",
    "device.allow": "A device was let in",
    "grant.begin": "An application got its first tokens",
    "grant.refresh": "An application got further tokens",
    "grant.exchange": "An application got a token for another",
    "grant.end": "An application's tokens were ended",
    "policy.set": "The policy was set",
    "notifications.update": "What somebody is told by mail was changed",
    "mail.test": "A message to try the mail was sent",
    "webhook.create": "A webhook was made",
    "webhook.update": "A webhook was changed",
    "webhook.rotate_secret": "A webhook got another secret",
    "webhook.test": "A webhook was tried",
    "webhook.redeliver": "An event was sent to a webhook again",
    "webhook.full": "A webhook was turned off, since too much waited for it",
    "webhook.gone": "A webhook was turned off by its receiver",
    "webhook.delete": "A webhook was deleted",
}

REASONS: Mapping[Reason, str] = {
    Reason.LEAKED: "It leaked",
    Reason.UNUSED: "Nobody uses it",
    Reason.OFFBOARDING: "Its user leaves",
    Reason.ROTATED: "Another has taken its place",
    Reason.OTHER: "Another reason",
}
"""Why a token was revoked, in words."""


def describe_action(action: str) -> str:
    """What people are told of an event; one of a later release, which shares the database, is shown by its name."""
    return HAPPENINGS.get(action, action)

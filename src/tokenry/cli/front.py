"""The front of the command line: which word is which command. Only the command that is called for is imported.

What this file imports is paid for by every call: no more than what Python has loaded anyway. The overview is printed
without any library.
"""

import sys
from itertools import takewhile

from tokenry import __version__
from tokenry.cli.streams import OutputError, drop_output, open_streams

USAGE = 2
PREFIXES = ("pat_", "toat", "tbat", "ort_", "oac_", "odc_", "ocs_", "orr_", "opr_", "ses_", "lnk_", "pgt_")
"""Of every kind of secret, as in `domain/secrets.py`, which is not imported here."""
LENGTH = 50
"""How many characters of a token come after the prefix."""
EXPOSED = "A token is among the arguments, where everybody on this machine can see it: rotate it, and pass it unseen."
SIGNALLED = 128
"""As in shells, a command that a signal ended has this plus the signal's number as its exit status."""
INTERRUPTED = 130
COMPLETE = "__complete"
"""What the scripts for shells call; in no list, since nobody types it."""
USING = "tokenry.cli"
OPERATING = "tokenry.operator"
COMMANDS = {
    "token": (USING, "tokens", "Make, list, view, rename, rotate, disable, revoke and audit your tokens."),
    "user": (USING, "users", "List, view, make, change, disable, delete your product's users; make page tokens."),
    "service-account": (
        USING,
        "service_accounts",
        "List, make, change, disable and delete service accounts; make their tokens.",
    ),
    "audit": (USING, "audit", "List what was done in your account, or to you: who, when and from where."),
    "webhook": (USING, "webhooks", "List, make, change, test and delete webhooks; see what they were told."),
    "policy": (USING, "policy", "Show, preview and change what is allowed in all accounts."),
    "notifications": (USING, "notifications", "Show and choose what you are told in time."),
    "preferences": (USING, "preferences", "Show and choose the language of pages and mail."),
    "scopes": (USING, "scopes", "List the scopes that tokens may have, and what each implies."),
    "verify": (USING, "verify", "Say whether a token is valid, whose it is and what it may do."),
    "whoami": (USING, "whoami", "Say whose token you use, what it may do, and where it was found."),
    "login": (USING, "login", "Log in to a service, by your browser, a code or a token."),
    "logout": (USING, "logout", "Forget a login and its token."),
    "context": (USING, "contexts", "Your logins: list them, and choose the one in use."),
    "profile": (USING, "profile", "The commands, options and output of linode-cli for your tokens."),
    "completion": (USING, "completion", "Print what makes a shell complete commands, options and the ids of tokens."),
    "serve": (OPERATING, "serve", "Run the service; the first start sets everything up and makes a first token."),
    "demo": (OPERATING, "demo", "Start a service to try, with users and tokens, that leaves nothing behind."),
    "migrate": (OPERATING, "migrate", "Make the database, or bring it to this version's schema."),
    "admin": (OPERATING, "admin", "Accounts, users, anybody's tokens, policy and audit, on the local database."),
    "doctor": (
        OPERATING,
        "doctor",
        "Check schema, pepper, permissions, the first token, disk, database and usernames.",
    ),
    "config": (OPERATING, "config", "Check the settings of the service, and say where each comes from."),
    "gateway": (
        OPERATING,
        "gateway",
        "Print a tested configuration for a gateway that asks tokenry about each request.",
    ),
    "scanner": (OPERATING, "scanner", "Print tested rules by which a secret scanner finds leaked tokens."),
    "component": (
        OPERATING,
        "component",
        "Print the script by which users manage their tokens in a page of yours.",
    ),
}
"""Each word with its package, its module, which has an `app`, and what that is in a line."""


def main() -> None:
    """Run the command line, and this process with it."""
    open_streams()
    try:
        try:
            _answer(sys.argv[1:])
        except SystemExit as end:
            if _is_by_signal(end):
                raise
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # here what fails can still be told
    except OutputError as failure:
        if not failure.reader_left:  # who has read enough knows it
            print(f"tokenry: {failure}.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        drop_output()
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        if _is_by_signal(end):
            drop_output()
        raise


def _is_by_signal(end: SystemExit) -> bool:
    """Whether Ctrl-C, of which typer makes an exit status, or another signal is why this ends."""
    return isinstance(end.code, int) and end.code > SIGNALLED


def _answer(words: list[str]) -> None:
    if not words or words[0] in {"--help", "-h", "help"}:
        print(_overview())
    elif any(map(_holds_token, words)):
        print(f"tokenry: {EXPOSED}", file=sys.stderr)
        sys.exit(USAGE)
    elif words[0] == "--version":
        print(f"tokenry {__version__}")
    elif words[0] in COMMANDS:
        _run(words[0], words[1:])
    elif words[0] == COMPLETE:
        _complete(words[1:])
    else:
        print(f"tokenry: {_unknown(words[0])} `tokenry --help` lists the commands.", file=sys.stderr)
        sys.exit(USAGE)


def _run(word: str, arguments: list[str]) -> None:
    """Run a command in the way of its package. Without the libraries that this needs, say how to get them."""
    from importlib import import_module  # noqa: PLC0415 - the overview does without

    package, module, _ = COMMANDS[word]
    try:
        run = import_module(f"{package}.running").run
        app = import_module(f"{package}.{module}").app
        run(app, f"tokenry {word}", arguments)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "tokenry":
            raise
        needed = "tokenry[server]" if package == OPERATING else "tokenry[cli]"
        print(f'tokenry: {error.name} is not installed: run pip install "{needed}".', file=sys.stderr)
        sys.exit(1)


def _holds_token(word: str) -> bool:
    """Whether there is a token in a word. Whatever refused it for another reason would repeat it."""
    rests = [rest for prefix in PREFIXES for rest in word.split(prefix)[1:]]
    if any(len(rest) >= LENGTH and rest[:LENGTH].isalnum() for rest in rests):
        return True
    # Of a prefix that somebody chose nothing is known here but its end; digests have other lengths.
    return any(len(list(takewhile(str.isalnum, rest))) == LENGTH for rest in word.split("_")[1:])


def _complete(words: list[str]) -> None:
    """Print what the last word may become, to a shell."""
    if len(words) <= 1:
        for word, (_, _, summary) in COMMANDS.items():
            if word.startswith("".join(words)):
                print(f"{word}\t{summary}")
        return
    from tokenry.cli.completion import complete  # noqa: PLC0415 - the overview does without

    complete(words)


def _unknown(word: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - the overview does without

    near = get_close_matches(word, COMMANDS, n=1)
    kind = "option" if word.startswith("-") else "command"
    shown = word.partition("=")[0].partition("://")[0]  # what follows may be an address with a password
    return f"There is no {kind} {shown}." + (f" Did you mean {near[0]}?" if near else "")


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {word:{width}}  {summary}" for word, (_, _, summary) in COMMANDS.items())
    return f"""Usage: tokenry COMMAND [ARGS]...

Personal access tokens for your API: issue, scope, expire, revoke, verify.

Commands:
{lines}

`tokenry COMMAND --help` says more; `tokenry --version` which version this is."""

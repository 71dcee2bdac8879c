"""What administrators are asked before something is done that others notice."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenry.domain.errors import Fault
from tokenry.pages.visits import Visit

TYPED = "typed"
"""The field of what has to be typed to confirm a question."""
_NOT_TYPED = Fault("This is not the name", TYPED)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done: English texts, in which `%(name)s` is what it is done to.

    What is `dangerous` cuts somebody off, or cannot be undone. Where something has to be `typed`, that is the name.
    """

    title: str
    texts: Sequence[str]
    button: str
    dangerous: bool = True
    typed: bool = False

    def faults(self, visit: Visit, name: str) -> Sequence[Fault]:
        """Say whether what had to be typed is something else."""
        return [_NOT_TYPED] if self.typed and visit.form.get(TYPED).strip() != name else []


INVITE_USER = Question(
    "Make a link for %(name)s?",
    (
        "Whoever opens the link chooses a password and is then signed in as %(name)s: hand it to nobody else.",
        "It works once, for half an hour.",
    ),
    "Make a link",
    dangerous=False,
)
DISABLE_USER = Question(
    "Disable %(name)s?",
    (
        "All tokens of %(name)s are refused from now on, and the user is signed out everywhere.",
        "What the user let applications in for ends for good. Enabling the user brings personal tokens back.",
    ),
    "Disable",
)
ENABLE_USER = Question(
    "Enable %(name)s?",
    ("The personal tokens of %(name)s are accepted again, and the user may sign in.",),
    "Enable",
    dangerous=False,
)
DELETE_USER = Question(
    "Delete %(name)s?",
    (
        "All tokens of %(name)s are revoked, and the user is signed out everywhere. Nobody can undo it.",
        "The name stays reserved for a while, so that nobody is taken for this user.",
    ),
    "Delete",
    typed=True,
)
DISABLE_SERVICE_ACCOUNT = Question(
    "Disable %(name)s?",
    ("The tokens of %(name)s are refused from now on. Those that it gave users stay.",),
    "Disable",
)
ENABLE_SERVICE_ACCOUNT = Question(
    "Enable %(name)s?",
    ("The tokens of %(name)s are accepted again.",),
    "Enable",
    dangerous=False,
)
DELETE_SERVICE_ACCOUNT = Question(
    "Delete %(name)s?",
    ("The tokens of %(name)s are revoked. Those that it gave users stay. Nobody can undo it.",),
    "Delete",
    typed=True,
)
RESET_CLIENT = Question(
    "Make another secret for %(name)s?",
    ("The secret before it proves nothing any more, at once. What users let the client in for stays.",),
    "Make another secret",
)
DELETE_CLIENT = Question(
    "Delete %(name)s?",
    ("All that users let %(name)s in for ends at once, with all its tokens. Nobody can undo it.",),
    "Delete",
    typed=True,
)
REVOKE_TOKENS = Question(
    "Revoke these tokens?",
    ("They are refused from now on, everywhere. Nobody can undo it.",),
    "Revoke",
)
DISABLE_TOKENS = Question(
    "Disable these tokens?",
    ("They are refused until an administrator enables them again.",),
    "Disable",
)
ENABLE_TOKENS = Question(
    "Enable these tokens?",
    ("They are accepted again, until they expire.",),
    "Enable",
    dangerous=False,
)
DISABLE_WEBHOOK = Question(
    "Disable %(name)s?",
    ("It is told nothing from now on, until you enable it again.",),
    "Disable",
)
ENABLE_WEBHOOK = Question(
    "Enable %(name)s?",
    ("It is told what happens from now on, and what waits.",),
    "Enable",
    dangerous=False,
)
ROTATE_WEBHOOK = Question(
    "Make another secret for %(name)s?",
    ("For a day messages are signed with both, so that you can change it there in between.",),
    "Make another secret",
    dangerous=False,
)
ROTATE_WEBHOOK_NOW = Question(
    "Make another secret for %(name)s, at once?",
    ("Messages are signed with the new one alone. Until it is there, they are taken for forged.",),
    "Make another secret at once",
)
DELETE_WEBHOOK = Question(
    "Delete %(name)s?",
    ("It is told nothing any more, and what it was still to be told is gone. Nobody can undo it.",),
    "Delete",
)

"""What locks rows says so by its name, and how: the verbs of `storage/schema`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tokenry.storage import schema

VERBS = {frozenset({"read", "key_share"}): "keep_", frozenset({"key_share"}): "lock_", frozenset(): "claim_"}
"""By what `with_for_update` is told."""
CHANGING = {
    "_end_apps",
    "_end_grants",
    "_revoke_all",
    "activate_used",
    "delete_expired_keys",
    "forget_codes_with",
    "some_of",
}
"""What locks rows only to change them itself."""


def locking() -> Iterator[tuple[str, str]]:
    """The name of every function and statement of the package that locks rows, and its verb."""
    for path in Path(schema.__file__).parents[1].rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            name = node.name if isinstance(node, ast.FunctionDef) else ast.unparse(node).partition(" ")[0]
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "with_for_update":
                    told = frozenset(str(each.arg) for each in call.keywords)
                    yield name, VERBS.get(told - {"of", "skip_locked"}, "no verb")


def test_every_lock_is_named_by_the_verb_of_its_strength() -> None:
    found = [*locking()]
    wrong = [(name, verb) for name, verb in found if not name.strip("_").lower().startswith(verb)]
    assert {name for name, _ in wrong} == CHANGING
    assert {verb for _, verb in found} == {*VERBS.values()}

"""How the operator's commands end when something says no."""

import pytest

from tokenry.cli.running import alone
from tokenry.domain.errors import Conflict, Fault, Invalid, NotFound, Refusal, SetupError, TooSlow, Unavailable
from tokenry.operator.running import run


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotFound(), "there is no such account, user, token or client."),
        (Unavailable("it is locked"), "the database cannot be used now (it is locked): probably nothing was changed"),
        (Unavailable("it is gone", perhaps_done=True), "the database cannot be used now (it is gone): the change may"),
        (TooSlow(), "This takes too long: ask for less at once"),
        (Invalid(Fault("Too long", "label"), Fault("Too small")), "label: Too long; Too small"),
        (Conflict(Fault("It is used")), "It is used"),
        (SetupError("Set it up."), "Set it up."),
    ],
)
def test_refusal_is_one_line_and_an_exit_status(
    error: Refusal | SetupError, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        run(alone(command), "tokenry", [])
    told = capsys.readouterr().err
    assert end.value.code == 1
    assert told.startswith(f"tokenry: {words}")
    assert told.count("\n") == 1

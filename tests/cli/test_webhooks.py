"""How `tokenry webhook …` prints webhooks."""

import pytest

from tokenry.cli.output import Output


@pytest.mark.parametrize(
    ("output", "shown"), [(Output(no_headers=True), "all\n"), (Output(json=True), '[{"events": []}]\n')]
)
def test_webhook_without_events_is_told_of_all(capsys: pytest.CaptureFixture[str], output: Output, shown: str) -> None:
    output.of(["events"]).write([{"events": []}])
    assert capsys.readouterr().out == shown

"""What is said of what is not there."""

import pytest

from tokenry.cli.missing import find_things, say_missing

SERVICE = "https://tokens.example/v4"


@pytest.mark.parametrize(
    ("request_line", "said"),
    [
        (f"GET {SERVICE}/profile/tokens/5", "There is no token 5."),
        (f"POST {SERVICE}/tokenry/webhooks/3/deliveries/7/redeliver", "There is no message 7 of webhook 3."),
        (f"GET {SERVICE}/tokenry/users/auth0%7C64/tokens/details", "There is no user auth0|64."),
        (f"DELETE {SERVICE}/tokenry/service-accounts/shop", "There is no service account shop."),
        (f"GET {SERVICE}/profile/tokens/details", None),
    ],
)
def test_thing_is_named_by_its_address(request_line: str, said: str | None) -> None:
    assert say_missing(find_things(request_line)) == said

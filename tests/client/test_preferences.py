"""A client's language, against the real service, in threads and in an event loop."""

from tokenry.client import Client


def test_language_is_chosen_and_taken_back(client: Client) -> None:
    assert client.preferences.update(language="de").language == "de" == client.preferences.get().language
    assert client.preferences.update(language=None).language is None

"""A client's choices of what its user is told, against the real service, in threads and in an event loop."""

from tokenry.client import Client


def test_choices_are_read_and_changed_one_by_one(client: Client) -> None:
    assert not client.notifications.update(new_network=False).new_network
    chosen = client.notifications.update(token_leaked=False, new_network=True)
    assert chosen == client.notifications.get()
    assert (chosen.token_expires, chosen.token_leaked, chosen.new_network) == (True, False, True)
    assert client.notifications.update(token_leaked=True).token_leaked

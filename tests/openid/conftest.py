"""Fixtures of OpenID: a provider that lies where it is told to."""

from collections.abc import Iterator

import pytest

from tests.conftest import Clock
from tests.openid.fake import FakeProvider, fake_provider


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeProvider]:
    with fake_provider(clock) as provider:
        yield provider

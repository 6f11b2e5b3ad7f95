"""The bank that each test asks."""

from collections.abc import Iterator

import pytest
from fake_bank import FakeBank, running_bank


@pytest.fixture
def bank() -> Iterator[FakeBank]:
    with running_bank() as running:
        yield running

"""A house whose parties have names, and a mail server of its own."""

from collections.abc import Iterator

import pytest

from tests.support.core import House
from tests.support.notified import People, notified


@pytest.fixture
def people(house: House) -> Iterator[People]:
    with notified(house) as told:
        yield told

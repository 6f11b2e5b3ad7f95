"""A line to a receiver for those who push."""

from collections.abc import Iterator

import pytest

from tests.support.core import House
from tests.support.pushed import Line, open_line


@pytest.fixture
def line(house: House) -> Iterator[Line]:
    with open_line(house) as opened:
        yield opened

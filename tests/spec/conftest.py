"""One town in process for all tables: its banks are honest, its clock stands still until a test moves it."""

from collections.abc import Iterator

import pytest

from tests.support.town import Town
from tests.support.town_flow import Flow, open_honest_town


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    with open_honest_town() as town:
        yield town


@pytest.fixture
def messenger(town: Town) -> Flow:
    return Flow(town)


@pytest.fixture
def rival(town: Town) -> Flow:
    return Flow(town, "ledgerly")

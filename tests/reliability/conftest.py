"""One fleet on each database for the rows that leave it whole."""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES
from tests.support.fleet import Fleet, running_fleet
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session", params=DATABASES)
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    with running_fleet(tmp_path_factory.mktemp("fleet"), url) as running:
        yield running

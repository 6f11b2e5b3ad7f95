"""Fixtures that cost time: one running sandbox on each database for all stories."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.postgres import PostgresServer, postgres_server
from tests.support.sizes import Size
from tests.support.world import World

DATABASES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    sizes = ("test", "campaign", "soak")
    parser.addoption("--size", choices=sizes, default="test", help="How large the samples of tests/reliability are.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares costly fixtures on one worker process: the stories of one world, the tests of one file."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        group = item.nodeid.split("::", maxsplit=1)[0]
        for costly in ("world", "fleet"):
            if callspec is not None and costly in callspec.params:
                group = f"{costly}-{callspec.params[costly]}"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    return Size(request.config.getoption("--size"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session", params=DATABASES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    environment = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        environment["BROKER_DATABASE_URL"] = server.new_database()
    running = World(tmp_path_factory.mktemp("world"), **environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def info(world: World) -> dict[str, Any]:
    return world.info

"""Fixtures that cost time: one running sandbox on each database for all stories."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.postgres import PostgresServer, postgres_server
from tests.support.sizes import Size
from tests.support.world import World

DATABASES = ("sqlite", "postgresql")
_TIME_S, _MUCH_TIME_S = 600, 6 * 3_600


def pytest_addoption(parser: pytest.Parser) -> None:
    sizes = ("test", "campaign", "soak")
    parser.addoption("--size", choices=sizes, default="test", help="How large the samples of tests/reliability are.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is too long for this size, give the rest time, and keep costly fixtures on one worker process."""
    is_small = config.getoption("--size") == "test"
    too_long = [item for item in items if is_small and item.get_closest_marker("campaign")]
    config.hook.pytest_deselected(items=too_long)
    items[:] = [item for item in items if item not in too_long]
    for item in items:
        if "reliability" in item.path.parts:
            item.add_marker(pytest.mark.timeout(_TIME_S if is_small else _MUCH_TIME_S))
        item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def _group_of(item: pytest.Item) -> str:
    """Name the fixture that is shared beyond a file: the stories of one world, the rows that leave a fleet whole."""
    callspec = getattr(item, "callspec", None)
    for costly in ("world", "fleet"):
        if callspec is not None and costly in callspec.params:
            return f"{costly}-{callspec.params[costly]}"
    return item.nodeid.split("::", maxsplit=1)[0]


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

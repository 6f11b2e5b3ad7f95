"""Fixtures that cost time: one running sandbox on each database for all stories."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.postgres import PostgresServer, shared_server
from tests.support.sizes import Size
from tests.support.world import World

DATABASES = ("sqlite", "postgresql")
_OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
_COSTLY = ("world", "fleet")
_TIME_S, _MUCH_TIME_S = 600, 6 * 3_600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("default", "both", *DATABASES),
        default="default",
        help="where tests run that need a database; default: all on SQLite, the stories and the core on PostgreSQL too",
    )
    sizes = ("test", "campaign", "soak")
    parser.addoption("--size", choices=sizes, default="test", help="How large the samples of tests/reliability are.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is too long or not chosen, give the rest time, keep costly fixtures on one worker process."""
    is_small, other = config.getoption("--size") == "test", _OTHER.get(config.getoption("--database"))
    left_out = [
        item
        for item in items
        if (is_small and item.get_closest_marker("campaign"))
        or (other and other in map(_parameters(item).get, _COSTLY))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "reliability" in item.path.parts:
            item.add_marker(pytest.mark.timeout(_TIME_S if is_small else _MUCH_TIME_S))
        item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def _group_of(item: pytest.Item) -> str:
    """Name the fixture that is shared beyond a file: the stories of one world, the rows that leave a fleet whole."""
    shared = [f"{costly}-{_parameters(item)[costly]}" for costly in _COSTLY if costly in _parameters(item)]
    return shared[0] if shared else item.nodeid.split("::", maxsplit=1)[0]


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Size:
    return Size(request.config.getoption("--size"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    own = tmp_path_factory.getbasetemp()
    # The worker processes of one run have their folders in one.
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as server:
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

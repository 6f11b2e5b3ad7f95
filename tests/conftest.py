"""Fixtures that cost time: one running sandbox on each database for all stories."""

import gc
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import Scheduling

from tests.support.compiled_once import compile_once
from tests.support.groups import COSTLY, Groups, group_of, turn_of
from tests.support.memory import MEMORY
from tests.support.postgres import PostgresServer, shared_server
from tests.support.sizes import Size
from tests.support.world import World

# How long an example takes says how busy the machine is.
settings.register_profile("whatever the machine", deadline=None)
settings.load_profile("whatever the machine")

DATABASES = ("sqlite", "postgresql")
_OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
_TIME_S, _MUCH_TIME_S = 600, 6 * 3_600
_ROOM_BYTES = 2 * 1024**3


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
def pytest_configure(config: pytest.Config) -> None:
    """Keep the folders of tests in memory where there is room: each commit of each test would wait for the disk."""
    gc.disable()  # until all modules are imported and all tests are known
    compile_once()
    if config.getoption("basetemp") is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a costly fixture in the ids of the tests that share it."""
    return f"{argname}-{val}" if argname in COSTLY else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    if config.getoption("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False  # by the number of tests: the longest groups have few
    return Groups(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leave out what is too long or not chosen, give the rest time, and bring groups together, the longest first."""
    is_small, other = config.getoption("--size") == "test", _OTHER.get(config.getoption("--database"))
    is_interop = "interop" in config.getoption("markexpr")
    is_ha = config.getoption("markexpr") == "ha"
    left_out = [
        item
        for item in items
        if (is_small and item.get_closest_marker("campaign"))
        or (other and other in map(_parameters(item).get, COSTLY))
        or (not is_interop and "interop" in item.path.parts)
        or (not is_ha and item.get_closest_marker("ha"))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "reliability" in item.path.parts or item.get_closest_marker("campaign"):
            item.add_marker(pytest.mark.timeout(_TIME_S if is_small else _MUCH_TIME_S))
    yield
    met = {group: number for number, group in enumerate(dict.fromkeys(group_of(item.nodeid) for item in items))}
    items.sort(key=lambda item: (turn_of(group_of(item.nodeid)), met[group_of(item.nodeid)]))


def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay to the end, out of every search for garbage."""
    gc.freeze()
    gc.enable()


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

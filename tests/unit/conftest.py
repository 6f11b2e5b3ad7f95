"""A new house for every test, on each database that is asked for (`--database`)."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.core import House, open_house
from tests.support.postgres import PostgresServer
from tests.support.stores import NewStore, PostgresStores, SqliteStore, Store

# What keeps a promise by statements and locks of its own meets both databases in every run; `--database=both` is for
# the rest, which asks these.
_ALWAYS_ON_BOTH = ("audit", "events", "grants", "release", "storage", "switches", "tokens")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    marks = metafunc.definition.iter_markers("parametrize")
    if any(mark.args[0] == "database" for mark in marks):
        return
    chosen = metafunc.config.getoption("--database")
    databases = ("sqlite", "postgresql") if chosen == "both" else (chosen,)
    if chosen == "default":
        is_core = metafunc.definition.path.parent.name in _ALWAYS_ON_BOTH
        asks_nothing = metafunc.definition.get_closest_marker("any_database") is not None
        databases = ("sqlite", "postgresql") if is_core and not asks_nothing else ("sqlite",)
    metafunc.parametrize("database", databases, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """Name the kind of database that the test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgres_stores(postgres: PostgresServer) -> Iterator[PostgresStores]:
    stores = PostgresStores(postgres)
    yield stores
    stores.close()


@pytest.fixture(scope="session")
def new_store(database: str, request: pytest.FixtureRequest) -> NewStore:
    """Make databases; a file stands in the folder that is given."""
    if database == "sqlite":
        return lambda folder: nullcontext(SqliteStore(folder / "broker.db"))
    stores: PostgresStores = request.getfixturevalue("postgres_stores")
    return lambda _: stores.lent()


@pytest.fixture
def store(new_store: NewStore, tmp_path: Path) -> Iterator[Store]:
    with new_store(tmp_path) as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, store: Store) -> Iterator[House]:
    with open_house(tmp_path, store) as opened:
        yield opened

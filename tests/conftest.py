"""Fixtures that cost time: one running sandbox for all stories."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    running = World(tmp_path_factory.mktemp("world")).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def info(world: World) -> dict[str, Any]:
    return world.info

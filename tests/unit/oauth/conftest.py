"""One small world a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from oauth_world import World, build_world

from tests.support.stores import Store


@pytest.fixture
def world(tmp_path: Path, store: Store) -> Iterator[World]:
    built = build_world(tmp_path, store)
    yield built
    built.services.database.close()
    built.services.fences.close()

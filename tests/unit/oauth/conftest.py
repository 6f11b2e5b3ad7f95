"""One small world a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from oauth_world import World, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = build_world(tmp_path)
    yield built
    built.services.database.close()

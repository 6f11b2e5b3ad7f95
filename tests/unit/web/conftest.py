"""One small world a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from identity_provider import running_provider
from web_world import Browser, World, build_world

from tests.support.stores import Store


@pytest.fixture
def world(tmp_path: Path, store: Store) -> Iterator[World]:
    with running_provider() as provider:
        built = build_world(tmp_path, store, provider)
        yield built
        built.services.close()


@pytest.fixture
def maya(world: World) -> Browser:
    browser = world.browser()
    assert browser.signs_in_to_consent().status_code == 303
    return browser

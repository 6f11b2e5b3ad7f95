"""One application on an empty database, built as `broker serve` builds it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from broker.app import build_services, create_app
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset
from broker.edge.services import Services
from broker.policy import Catalogue
from broker.storage import schema
from broker.storage.engine import Database
from tests.support.sandbox_settings import sandbox_settings


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = sandbox_settings(tmp_path_factory.mktemp("house"))
    generate_keyset(settings.key_file, system_clock())
    database = Database(settings.database_url)
    schema.upgrade(database)
    database.close()
    built = build_services(settings)
    yield built
    built.database.close()


@pytest.fixture(scope="session")
def app(services: Services) -> Flask:
    return create_app(services)


@pytest.fixture(scope="session")
def catalogue(services: Services) -> Catalogue:
    return services.catalogue

"""One application on an empty database, built as `broker serve` builds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from broker.app import build_services, create_app
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset
from broker.edge.services import Services
from broker.policy import Catalogue
from broker.settings import Mode, Settings, default_policies_dir
from broker.storage import schema
from broker.storage.engine import Database


def settings_in(folder: Path) -> Settings:
    return Settings(
        mode=Mode.SANDBOX,
        base_url="http://localhost:8400",
        database_url=f"sqlite:///{folder / 'broker.db'}",
        data_dir=folder,
        key_file=folder / "keys.json",
        policies_dir=default_policies_dir(),
        host="127.0.0.1",
        port=8400,
        workers=1,
        threads=1,
        log_level="ERROR",
        outbound_allow=frozenset(),
        bank_timeout_s=1.0,
        bank_answer_max_bytes=1_000_000,
        request_max_bytes=100_000,
        sandbox_port_base=8400,
    )


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = settings_in(tmp_path_factory.mktemp("house"))
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

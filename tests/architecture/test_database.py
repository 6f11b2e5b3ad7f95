"""The database: one line of migrations, the tables that the models say, a log that only grows."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.edge.services import Services
from broker.errors import StorageUnavailable
from broker.storage import schema
from broker.storage.base import Base, UTCDateTime
from tests.architecture.tree import PACKAGE


def test_there_is_one_migration_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(PACKAGE / "storage" / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.newest()]


def test_the_migrated_tables_are_those_of_the_models(services: Services) -> None:
    def differs(_context: Any, _seen: Any, _column: Any, _seen_type: Any, wanted: Any) -> bool | None:
        return False if isinstance(wanted, UTCDateTime) else None  # our own wrapper of DateTime

    with services.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": differs})
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("act", ["UPDATE audit_entries SET event = 'x'", "DELETE FROM audit_entries"])
def test_an_entry_of_the_log_can_be_neither_changed_nor_deleted(services: Services, act: str) -> None:
    services.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM))
    with pytest.raises(StorageUnavailable), services.database.write() as session:
        session.execute(text(act))
    with services.database.read() as session:
        found = session.execute(text("SELECT event FROM audit_entries")).scalars().all()
    assert found
    assert set(found) == {"bank.registered"}

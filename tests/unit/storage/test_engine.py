"""The database: all or nothing, aware instants, and refusal of what would lose acknowledged entries."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from broker.errors import ConfigurationInvalid, StorageUnavailable
from broker.storage import schema
from broker.storage.base import UTCDateTime, new_id
from broker.storage.engine import Database
from broker.users.models import UserRow
from tests.support.core import NOON, House
from tests.support.stores import Store


def users(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(UserRow.id).where(UserRow.id.like("u%")).order_by(UserRow.id)))


def test_a_write_is_durable_for_another_connection_when_the_block_has_ended(house: House) -> None:
    with house.database.write() as session:
        session.add(UserRow(id="u1", created_at=NOON))
    other = Database(house.store.url)
    assert users(other) == ["u1"]
    other.close()


def test_a_write_that_raises_is_rolled_back_whole(house: House) -> None:
    with pytest.raises(ZeroDivisionError), house.database.write() as session:  # noqa: PT012 - the block is what must be undone
        session.add(UserRow(id="u1", created_at=NOON))
        session.flush()
        raise ZeroDivisionError
    assert users(house.database) == []


def test_what_a_reader_changes_is_not_kept(house: House) -> None:
    # SQLite lets a reader write and forgets it; PostgreSQL refuses.
    with suppress(StorageUnavailable), house.database.read() as session:
        session.add(UserRow(id="u1", created_at=NOON))
        session.flush()
    assert users(house.database) == []


def test_a_reader_sees_one_state_while_others_write(house: House) -> None:
    with house.database.read() as session:
        before = session.scalars(select(UserRow.id)).all()
        with house.database.write() as writer:
            writer.add(UserRow(id="u1", created_at=NOON))
        assert session.scalars(select(UserRow.id)).all() == before


def test_a_naive_instant_is_refused(house: House) -> None:
    with pytest.raises(StatementError, match="time zone"), house.database.write() as session:
        session.add(UserRow(id="u1", created_at=NOON.replace(tzinfo=None)))
    assert users(house.database) == []


def test_instants_come_back_aware_and_in_utc(house: House) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with house.database.write() as session:
        session.add(UserRow(id="u1", created_at=there))
    with house.database.read() as session:
        found = session.get_one(UserRow, "u1").created_at
    assert (found, found.tzinfo) == (NOON, UTC)


def test_instants_of_other_databases_are_brought_to_utc(house: House) -> None:
    kind, dialect = UTCDateTime(), house.database.engine.dialect
    there = NOON.astimezone(timezone(timedelta(hours=-3)))
    assert kind.process_result_value(there, dialect) == NOON
    assert kind.process_result_value(None, dialect) is None
    assert kind.process_bind_param(None, dialect) is None


def test_a_sound_database_passes_the_check(house: House) -> None:
    house.database.check_durability()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=ro",
        "mysql://localhost/x",
        "sqlite:///?x=1",
        "postgresql://u@db1:5432,db2:5432/n",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="BROKER_DATABASE_URL"):
        Database(url)


_TWO = "host=db1:5432&host=db2:5432"


@pytest.mark.parametrize("url", [f"postgresql://u@/n?{_TWO}", "postgresql://u@db1,db2/n", "postgresql://u@/n?host=a,b"])
@pytest.mark.parametrize("wish", ["", "any", "prefer-standby", "standby", "read-only"])
def test_several_hosts_without_the_wish_for_the_one_that_takes_changes_are_refused(url: str, wish: str) -> None:
    asked = f"{url}{'&' if '?' in url else '?'}target_session_attrs={wish}" if wish else url
    with pytest.raises(ConfigurationInvalid, match="target_session_attrs=read-write"):
        Database(asked)


@pytest.mark.parametrize("wish", ["read-write", "primary"])
def test_several_hosts_of_which_the_primary_is_asked_are_accepted(wish: str) -> None:
    database = Database(f"postgresql://u@/n?{_TWO}&target_session_attrs={wish}")
    assert database.engine.dialect.create_connect_args(database.engine.url)[1]["host"] == "db1,db2"
    database.close()


def test_one_host_needs_no_such_wish() -> None:
    for url in ("postgresql://u@db1/n", "postgresql://u@/n?host=/run/postgresql", "postgresql:///n"):
        Database(url).close()


def test_ids_are_ordered_by_time_and_never_the_same() -> None:
    ids = [new_id(NOON + timedelta(milliseconds=number)) for number in range(50)]
    assert ids == sorted(ids)
    assert {(UUID(one).version, UUID(one).variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert len({new_id(NOON) for _ in range(100)}) == 100
    assert int(UUID(new_id(NOON))) >> 80 == int(NOON.timestamp() * 1_000)


def test_a_migrated_database_has_the_newest_revision_and_an_older_one_is_refused(store: Store) -> None:
    database = Database(store.url)
    schema.check_revision(database)
    schema.upgrade(database)
    schema.downgrade(database, "base")
    with pytest.raises(ConfigurationInvalid, match="broker db upgrade"):
        schema.check_revision(database)
    schema.upgrade(database)
    schema.check_revision(database)
    database.close()


def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - only this test compares
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above

    import broker.app  # noqa: PLC0415 - every model of the product is imported there
    from broker.storage.base import Base  # noqa: PLC0415 - after the models

    assert broker.app
    database = Database(store.url)
    with database.read() as session:
        assert compare_metadata(MigrationContext.configure(session.connection()), Base.metadata) == []
    database.close()


def test_the_earliest_instant_is_kept_to_the_microsecond(house: House) -> None:
    at = datetime(1970, 1, 1, 0, 0, 0, 1, UTC)
    with house.database.write() as session:
        session.add(UserRow(id="u1", created_at=at))
    with house.database.read() as session:
        assert session.get_one(UserRow, "u1").created_at == at

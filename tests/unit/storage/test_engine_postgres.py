"""PostgreSQL: what would lose acknowledged entries is refused; a database that fails is told, and comes back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import event, select, text

from broker.edge.problems import status_of
from broker.errors import ConfigurationInvalid, StorageUnavailable
from broker.storage.engine import Database
from broker.users.models import UserRow
from tests.support.core import NOON
from tests.support.postgres import PostgresServer, own_server
from tests.support.stores import PostgresStore, migrate
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def opened(store: PostgresStore) -> Iterator[Database]:
    made = Database(store.url)
    yield made
    made.close()


def settle(store: PostgresStore, setting: str) -> None:
    """Change a setting for the sessions to come."""
    store.server.runs(f"ALTER DATABASE {store.url.rpartition('/')[2]} SET {setting}")


def add(database: Database, user_id: str = "u1") -> None:
    with database.write() as session:
        session.add(UserRow(id=user_id, created_at=NOON))


def count(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(UserRow.id)).all())


@pytest.mark.parametrize("value", ["off", "local"])
def test_commits_that_are_not_durable_are_refused(opened: Database, store: PostgresStore, value: str) -> None:
    settle(store, f"synchronous_commit = {value}")
    with pytest.raises(ConfigurationInvalid, match=f"synchronous_commit={value}"):
        opened.check_durability()


@pytest.mark.parametrize("value", ["on", "remote_write", "remote_apply"])
def test_commits_that_are_durable_are_accepted(opened: Database, store: PostgresStore, value: str) -> None:
    settle(store, f"synchronous_commit = {value}")
    opened.check_durability()


def test_a_server_that_could_lose_acknowledged_entries_is_refused(database: str) -> None:
    assert database == "postgresql"
    with own_server() as server:
        for name in ("fsync", "full_page_writes"):
            server.runs(f"ALTER SYSTEM SET {name} = off")
            server.runs("SELECT pg_reload_conf()")
            until(lambda: shown(server, name) == "off")  # noqa: B023 - asked in this round
            weak = Database(f"{server.url}/postgres")
            with pytest.raises(ConfigurationInvalid, match=f"{name}=off"):
                weak.check_durability()
            weak.close()
            server.runs(f"ALTER SYSTEM RESET {name}")


def shown(server: PostgresServer, name: str) -> str:
    with psycopg.connect(f"{server.url}/postgres") as connection:
        row = connection.execute(f"SHOW {name}".encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_a_read_only_database_is_told_as_unavailable(opened: Database, store: PostgresStore) -> None:
    settle(store, "default_transaction_read_only = on")
    with pytest.raises(StorageUnavailable) as refusal:
        add(opened, "canary-user")
    assert "canary" not in str(refusal.value)
    assert count(opened) == 0


def test_a_database_that_is_gone_is_told_as_unavailable_and_used_again_when_it_is_back(
    opened: Database, store: PostgresStore
) -> None:
    add(opened)
    store.vanishes()
    for attempt in (lambda: add(opened), lambda: count(opened), opened.check_durability):
        with pytest.raises(StorageUnavailable):
            attempt()
    store.server.runs(f"CREATE DATABASE {store.url.rpartition('/')[2]}")
    migrate(store.url)
    add(opened)
    assert count(opened) == 1


def test_a_session_that_is_ended_costs_one_transaction_and_no_more(opened: Database, store: PostgresStore) -> None:
    with pytest.raises(StorageUnavailable), opened.write() as session:  # noqa: PT012 - the block is what must be undone
        session.add(UserRow(id="u1", created_at=NOON))
        session.flush()
        store.rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction'"
        )
        session.execute(text("SELECT 1"))
    add(opened)
    assert count(opened) == 1


def test_a_server_that_cannot_be_reached_is_told_as_unavailable(database: str) -> None:
    assert database == "postgresql"
    nowhere = Database("postgresql://broker@127.0.0.1:1/none")
    with pytest.raises(StorageUnavailable):
        count(nowhere)


def test_a_lock_that_is_not_let_go_is_told_as_unavailable(opened: Database) -> None:
    event.listen(opened.engine, "connect", lambda connection, _: connection.execute("SET lock_timeout = '20ms'"))
    with opened.write() as session:
        session.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        with ThreadPoolExecutor(1) as pool:
            error = pool.submit(add, opened).exception(20)
    assert isinstance(error, StorageUnavailable)
    add(opened)


def test_a_statement_that_takes_too_long_is_told_as_unavailable(opened: Database) -> None:
    with pytest.raises(StorageUnavailable), opened.read() as session:  # noqa: PT012 - the block is what must fail
        session.execute(text("SET LOCAL statement_timeout = '20ms'"))
        session.execute(text("SELECT pg_sleep(20)"))
    assert count(opened) == 0


def test_a_holder_that_has_stopped_inside_its_transaction_is_cut_off(opened: Database, store: PostgresStore) -> None:
    with pytest.raises(StorageUnavailable), opened.write() as session:  # noqa: PT012 - the block is what must fail
        session.add(UserRow(id="u1", created_at=NOON))
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
        idle = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'"
        until(lambda: not store.rows(idle))
        session.execute(text("SELECT 1"))
    assert count(opened) == 0


def locks(database: Database, first: str, second: str, meeting: Barrier) -> StorageUnavailable | None:
    """Change two rows in turn, both sides at once; return what came of it."""
    try:
        with database.write() as session:
            session.execute(text("UPDATE users SET created_at = now() WHERE id = :id"), {"id": first})
            meeting.wait(20)
            session.execute(text("UPDATE users SET created_at = now() WHERE id = :id"), {"id": second})
    except StorageUnavailable as error:
        return error
    return None


def test_of_two_that_wait_for_each_other_one_is_told_to_come_again_and_then_gets_through(opened: Database) -> None:
    for user in ("u1", "u2"):
        add(opened, user)
    meeting = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(locks, opened, *users, meeting) for users in (("u1", "u2"), ("u2", "u1"))]
        outcomes = [one.result(20) for one in both]
    (lost,) = [one for one in outcomes if one is not None]
    assert getattr(lost.__cause__.orig, "sqlstate", None) == "40P01"  # type: ignore[union-attr]  # of the driver
    assert status_of(lost)[0] == 503
    assert locks(opened, "u2", "u1", Barrier(1)) is None


def test_a_change_that_another_has_overtaken_is_told_to_come_again(opened: Database, store: PostgresStore) -> None:
    settle(store, "default_transaction_isolation = 'repeatable read'")  # an operator may
    opened.close()
    add(opened)
    with pytest.raises(StorageUnavailable) as lost, opened.write() as session:  # noqa: PT012 - the block is what must fail
        session.execute(text("SELECT id FROM users"))
        store.runs("UPDATE users SET created_at = now()")
        session.execute(text("UPDATE users SET created_at = now()"))
    assert getattr(lost.value.__cause__.orig, "sqlstate", None) == "40001"  # type: ignore[union-attr]  # of the driver
    assert locks(opened, "u1", "u1", Barrier(1)) is None


@pytest.mark.parametrize("name", ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"])
def test_each_wait_has_a_limit(opened: Database, name: str) -> None:
    for door in (opened.read, opened.write):
        with door() as session:
            assert session.execute(text(f"SHOW {name}")).scalar_one() not in {"0", "0ms"}

"""The page on production shows two roles for PostgreSQL: they are enough to serve, and not enough to alter the log."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import text

from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.clock import system_clock
from broker.crypto.sealing import Sealer
from broker.errors import StorageUnavailable
from broker.grants.fence import Fences
from broker.storage import schema
from broker.storage.engine import Database
from tests.architecture.pages import DOCS, code_blocks
from tests.support.core import sequencer_on
from tests.support.postgres import PostgresServer

_ONLY_GROW = {"audit_entries", "audit_nodes", "audit_cosignatures", "audit_contradictions", "bank_facts"}
_ENTRY = Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, details={"bank": "harbor"})


def as_role(server: PostgresServer, role: str, password: str, database: str) -> str:
    parts = urlsplit(server.url)
    return f"postgresql://{role}:{password}@{parts.hostname}:{parts.port or 5432}/{database}"


@pytest.fixture(scope="module")
def serving(postgres: PostgresServer) -> Iterator[Database]:
    """A database made as the page says, opened as the role that serves. Names are our own: roles outlive databases."""
    mark, password = secrets.token_hex(4), secrets.token_hex(16)
    roles, rights = (
        block.replace("broker_owner", f"owner_{mark}")
        .replace("broker_serves", f"serves_{mark}")
        .replace("DATABASE broker", f"DATABASE broker_{mark}")
        for block in code_blocks(DOCS / "how-to" / "run-in-production.md", "sql")
    )
    with psycopg.connect(f"{postgres.url}/postgres", autocommit=True) as admin:
        for statement in filter(str.strip, roles.split(";")):
            admin.execute(statement.encode())
        for role in (f"owner_{mark}", f"serves_{mark}"):  # for a server that asks for passwords
            admin.execute(f"ALTER ROLE {role} PASSWORD '{password}'".encode())
    owner = Database(as_role(postgres, f"owner_{mark}", password, f"broker_{mark}"))
    schema.upgrade(owner)
    with owner.engine.begin() as connection:
        connection.execute(text(rights))
    owner.close()
    database = Database(as_role(postgres, f"serves_{mark}", password, f"broker_{mark}"))
    yield database
    database.close()


@pytest.fixture
def sequencer(serving: Database) -> Sequencer:
    return sequencer_on(serving, Sealer(secrets.token_bytes(32)), system_clock)


def test_the_serving_role_can_do_what_serving_needs(serving: Database, sequencer: Sequencer) -> None:
    serving.check_durability()
    schema.check_revision(serving)
    sequencer.append(_ENTRY)
    fences = Fences(serving)
    with fences.exclusive(["a grant"]), sequencer.transaction([None]) as transaction:
        transaction.append(_ENTRY)
    fences.close()
    with serving.write() as session:
        for table in schema_tables(serving) - _ONLY_GROW - {"alembic_version"}:
            session.execute(text(f"DELETE FROM {table} WHERE false"))  # noqa: S608 - the names are our own tables


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE audit_entries SET event = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "DROP TRIGGER audit_entries_append_only_row ON audit_entries",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "DROP TABLE audit_entries",
        "UPDATE alembic_version SET version_num = 'x'",
    ],
)
def test_the_serving_role_cannot_alter_the_log(serving: Database, sequencer: Sequencer, act: str) -> None:
    place = sequencer.append(_ENTRY)
    with pytest.raises(StorageUnavailable) as refused, serving.write() as session:
        session.execute(text(act))
    assert "InsufficientPrivilege" in repr(refused.value.__cause__)
    with serving.read() as session:
        assert session.scalar(text("SELECT max(number) FROM audit_entries")) == place.number


def schema_tables(database: Database) -> set[str]:
    with database.read() as session:
        found = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        return set(found)

"""The revision of the database: brings it to the newest, and says when it is not."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from broker.errors import ConfigurationInvalid
from broker.storage.engine import Database


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision; data is kept.

    Raises:
        StorageUnavailable: the database cannot be reached or written.
    """
    _run(database, command.upgrade, revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to an older revision.

    Raises:
        StorageUnavailable: the database cannot be reached or written.
    """
    _run(database, command.downgrade, revision)


def check_revision(database: Database) -> None:
    """Refuse a database that is not at the newest revision.

    Raises:
        ConfigurationInvalid: older or newer than this program.
        StorageUnavailable: the database cannot be read.
    """
    wanted = _newest()
    with database.read() as session:
        found = MigrationContext.configure(session.connection()).get_current_revision()
    if found != wanted:
        raise ConfigurationInvalid(
            f"The database is at revision {found or 'none'}, this program needs {wanted}: run `broker db upgrade`.",
            code="database-revision",
        )


@cache
def _newest() -> str | None:
    """Read the migrations once: they do not change while the program runs, and readiness is asked for often."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _run(database: Database, migrate: Callable[[Config, str], None], revision: str) -> None:
    config = _config()
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        migrate(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config

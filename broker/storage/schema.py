"""The revision of the database: brings it to the newest, and says when it is not."""

from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import inspect, text

from broker.errors import ConfigurationInvalid
from broker.storage.engine import Database

_LIMITS = ("lock_timeout", "statement_timeout")
_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision; data is kept.

    Raises:
        StorageUnavailable: the database cannot be reached or written.
    """
    database.make_file()
    _run(database, "upgrade", revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to an older revision.

    Raises:
        StorageUnavailable: the database cannot be reached or written.
    """
    _run(database, "downgrade", revision)


def check_revision(database: Database) -> None:
    """Refuse a database that is not at the newest revision.

    Raises:
        ConfigurationInvalid: older or newer than this program.
        StorageUnavailable: the database cannot be read.
    """
    wanted = newest()
    with database.read() as session:
        has_any = inspect(session.connection()).has_table("alembic_version")
        found = session.scalar(text("SELECT version_num FROM alembic_version")) if has_any else None
    if found != wanted:
        raise ConfigurationInvalid(
            f"The database is at revision {found or 'none'}, this program needs {wanted}: run `broker db upgrade`.",
            code="database-revision",
        )


@cache
def newest() -> str:
    """Return the newest revision: the file of each migration is named after it, in their order."""
    return max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")).partition("_")[0]


def _run(database: Database, act: Literal["upgrade", "downgrade"], revision: str) -> None:
    # Alembic takes a fifth of a second to import, which a broker that only serves need not spend.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        for limit in _LIMITS if session.get_bind().dialect.name == "postgresql" else ():
            session.execute(text(f"SET LOCAL {limit} = 0"))  # an index over years of entries takes its time
        getattr(command, act)(config, revision)

"""`broker db`: the database's revision."""

import click

from broker.settings import load_settings
from broker.storage import schema
from broker.storage.engine import Database


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the database to the newest revision; data is kept."""
    database = Database(load_settings().database_url)
    schema.upgrade(database)
    schema.check_revision(database)
    click.echo("The database is at the newest revision.")

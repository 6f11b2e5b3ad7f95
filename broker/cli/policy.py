"""`broker policy`: reads the policies as the broker would and reports the first mistake."""

from pathlib import Path

import click

from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir


@click.group()
def policy() -> None:
    """Look after the policies."""


@policy.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=None, help="Folder of the policies.")
def check(folder: Path | None) -> None:
    """Read every policy file; the first mistake is reported with its file and line."""
    catalogue = load_catalogue(folder or default_policies_dir())
    click.echo(
        f"{len(catalogue.categories)} categories, {len(catalogue.purposes)} purposes, "
        f"{len(catalogue.forbidden)} forbidden purposes, {len(catalogue.banks)} banks; digest {catalogue.digest[:16]}."
    )

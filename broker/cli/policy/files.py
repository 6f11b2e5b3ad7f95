"""`broker policy check | test | format`: reads the policies as the broker would, and puts their cases to them."""

import sys
from pathlib import Path

import click

from broker.errors import ConfigurationInvalid
from broker.policy.cases import mistakes, read_cases
from broker.policy.loading import load_catalogue
from broker.policy.statements import formatted
from broker.settings import default_policies_dir

_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=default_policies_dir,
    help="Folder of the policies; without it, those that come with the broker.",
)


@click.command()
@_folder
def check(folder: Path) -> None:
    """Read every policy file; the first mistake is reported with its file and line."""
    catalogue = load_catalogue(folder)
    click.echo(
        f"{len(catalogue.engine.rulebook.rules)} rules, {len(catalogue.categories)} categories, "
        f"{len(catalogue.purposes)} purposes, {len(catalogue.forbidden)} forbidden purposes, "
        f"{len(catalogue.banks)} banks; digest {catalogue.digest[:16]}."
    )
    for code, words in catalogue.words.items():
        for place in words.missing:
            click.echo(f"words/{code}.yaml: {place} is not translated; it is shown in English.")


@click.command()
@_folder
def test(folder: Path) -> None:
    """Put each case of tests/ALLOW and tests/DENY to the policies; exit 1 when one is decided in another way."""
    catalogue = load_catalogue(folder)
    cases = read_cases(folder, catalogue)
    found = [mistake for case in cases for mistake in mistakes(catalogue, case)]
    for mistake in found:
        click.echo(mistake, err=True)
    if found:
        click.echo(f"{len(found)} of {len(cases)} cases are decided in another way than they say.", err=True)
        sys.exit(1)
    click.echo(f"{len(cases)} cases, all decided as they say.")


@click.command("format")
@_folder
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 when a file would change.")
def format_(folder: Path, *, only_check: bool) -> None:
    """Write the Cedar files as Cedar's own formatter does."""
    changed = 0
    for path in sorted(folder.glob("*.cedar")):
        try:
            text = path.read_bytes().decode("utf-8")
            as_written = formatted(text)
        except (OSError, UnicodeDecodeError, ConfigurationInvalid) as error:
            raise ConfigurationInvalid(f"{path.name}: cannot be formatted; see `broker policy check`") from error
        if as_written != text:
            changed += 1
            click.echo(f"{path.name} {'would be' if only_check else 'was'} changed.", err=only_check)
            if not only_check:
                path.write_text(as_written, encoding="utf-8", newline="\n")
    if only_check and changed:
        sys.exit(1)
    click.echo("Nothing to change." if not changed else f"{changed} files changed.")

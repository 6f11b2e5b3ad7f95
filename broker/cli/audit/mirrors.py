"""`broker audit mirror`: keeps a copy of a log that only grows, checked while it is fetched."""

from pathlib import Path

import click

from broker.audit.verification.mirroring import mirrored
from broker.cli.audit.remote import credential_option, log_at, origin_of
from broker.cli.audit.telling import good, judged, progress
from broker.cli.audit.trusted import trust_of, trust_options
from broker.cli.output import json_option


@click.command()
@click.option("--log", "url", required=True, help="The log's address, e.g. https://…/audit/harbor/2026.")
@click.option(
    "--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the copy."
)
@credential_option
@trust_options
@json_option
def mirror(
    url: str,
    *,
    folder: Path,
    credential_file: Path | None,
    keys: tuple[str, ...],
    witnesses: tuple[str, ...],
    quorum: int | None,
    as_json: bool,
) -> None:
    """Bring a copy of a log up to date. Exit code 1 when the log is not the one that was copied before."""
    trust = trust_of(keys, witnesses, quorum)
    read = log_at(url, credential_file)
    with judged(as_json=as_json), progress("mirror") as told:
        found = mirrored(read, folder, trust, origin_of(url, trust), told)
        told_as = f"{found.log}: {found.size} entries, {found.added} of them new, in {folder}"
        good(told_as, {"log": found.log, "size": found.size, "added": found.added}, as_json=as_json)

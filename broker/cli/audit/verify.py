"""`broker audit verify`: checks a log, a mirror, the own database or a proof pack; names the first bad entry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.log import Question, Verified, verify_log
from broker.audit.verification.pack import verify_pack
from broker.audit.verification.reading import Read, mirror_at, read_bounded, replaced
from broker.audit.verification.served import Served
from broker.cli.audit.remote import credential_option, log_at, origin_of
from broker.cli.audit.telling import good, judged, progress
from broker.cli.audit.trusted import trust_of, trust_options
from broker.cli.output import json_option
from broker.tlog.note import LARGEST_NOTE

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Options:
    """What a log is held against, as the command line names it."""

    keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    quorum: int | None
    last: Path | None
    former: Path | None
    served: Path | None
    as_json: bool

    def trust(self, own: tuple[str, ...] = ()) -> Trust:
        """Return whom to believe; `own` are keys that are known besides."""
        return trust_of(self.keys, self.witnesses, self.quorum, own)


@click.command()
@click.option("--log", default=None, help="The log's address; with --database its name.")
@click.option(
    "--mirror", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None, help="Folder of a mirror."
)
@click.option("--database", is_flag=True, help="Check the logs in the broker's own database, all or the one named.")
@click.option("--pack", type=_FILE, default=None, help="A person's proof pack.")
@credential_option
@trust_options
@click.option(
    "--last-checkpoint",
    "last",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="File with the newest checkpoint seen before; read when it is there, replaced when all is well.",
)
@click.option("--former", type=_FILE, default=None, help="Last checkpoint of the log that this one goes on from.")
@click.option("--served", type=_FILE, default=None, help="The bank's list of served requests, JSON lines.")
@json_option
def verify(
    *,
    log: str | None,
    mirror: Path | None,
    database: bool,
    pack: Path | None,
    credential_file: Path | None,
    as_json: bool,
    **against: Any,
) -> None:
    """Hash every stored entry again and hold the log against all that is known of it.

    Exit code 0: all is well. 1: something is not as it must be; the first bad entry is named. 2: nothing was checked.
    """
    options = Options(**against, as_json=as_json)
    sources = [mirror is not None, database, pack is not None, log is not None and not database]
    if sum(sources) != 1:
        raise click.UsageError("Name one thing to check: --log, --mirror, --database or --pack.")
    with judged(as_json=as_json):
        if pack is not None:
            _check_pack(pack, options)
        elif mirror is not None:
            _check_log(mirror_at(mirror), None, options)
        elif database:
            _check_database(log, options)
        elif log is not None:
            _check_log(log_at(log, credential_file), origin_of(log, options.trust()), options)


def _check_log(read: Read, origin: str | None, options: Options) -> None:
    found = _verified(read, origin, options.trust(), options)
    _remember(found, options)
    good(_told(found), found.as_json(), as_json=options.as_json)


def _verified(read: Read, origin: str | None, trust: Trust, options: Options, former: Head | None = None) -> Verified:
    last = _head_in(options.last, trust) if options.last is not None and options.last.exists() else None
    if options.former is not None:
        former = _head_in(options.former, trust)
    served: Callable[[str], Served] | None = partial(_served, options.served) if options.served is not None else None
    question = Question(trust, origin, last, None if former is None else former.checkpoint, served)
    with progress(origin or "log") as told:
        return verify_log(read, question, told)


def _check_database(name: str | None, options: Options) -> None:
    from broker.cli.audit.database import logs_of, own_broker, stored  # noqa: PLC0415 - others need no broker

    found: dict[str, Any] = {}
    lines: list[str] = []
    before: Head | None = None
    with own_broker() as base:
        logs = logs_of(base, name)
        if len(logs) != 1 and (options.last or options.former or options.served):
            raise click.UsageError("What to compare with is that of one log: name it with --log.")
        for head in logs:
            trust = options.trust(base.log_keys.vkeys(head.origin))
            if head.is_dropped:
                lines.append(f"{head.origin}: dropped, {head.size} entries")
                before = opened(head.note, trust.without_quorum, head.origin)
                continue
            former = before if before is not None and _stem(before) == head.origin.rpartition("/")[0] else None
            one = _verified(stored(base, head.origin), head.origin, trust, options, former)
            found[head.origin], before = one.as_json(), one.head
            lines.append(_told(one))
            _remember(one, options)
    good("\n".join(lines) or "There is no log with entries yet.", {"logs": found}, as_json=options.as_json)


def _check_pack(path: Path, options: Options) -> None:
    has_keys = bool(options.keys or options.witnesses)
    found = verify_pack(path, options.trust() if has_keys else None)
    told = [f"The pack is good: {found.entries} entries, {found.disclosed} details, {found.grants} grants, no gaps."]
    for log, size in found.logs.items():
        told.append(f"{log}: " + ("no checkpoint in the pack" if size is None else f"checkpoint of {size} entries"))
    if not has_keys:
        told.append("Checked with the keys in the pack itself. Ask each bank for its log's key, and compare: --key.")
    good("\n".join(told), {**found.as_json(), "keys_given": has_keys}, as_json=options.as_json)


def _head_in(path: Path, trust: Trust) -> Head:
    return opened(read_bounded(path, LARGEST_NOTE), trust.without_quorum)


def _served(path: Path, log: str) -> Served:
    with path.open("rb") as lines:
        return Served.read(lines, log)


def _remember(found: Verified, options: Options) -> None:
    if options.last is not None:
        replaced(options.last, found.head.note)


def _stem(head: Head) -> str:
    return head.checkpoint.origin.rpartition("/")[0]


def _told(found: Verified) -> str:
    checkpoint = found.head.checkpoint
    seen = ", ".join(one.name for one in found.head.cosigned)
    told = [f"{checkpoint.origin}: {checkpoint.size} entries, all as they must be"]
    if seen:
        told.append(f"  cosigned by {seen}")
    if found.previous is not None:
        told.append(f"  goes on from {found.previous.get('origin')}")
    if found.reconciled is not None:
        told.append(f"  {found.reconciled.served} requests that the bank served are all announced in it")
        if found.reconciled.unserved:
            first = ", ".join(map(str, found.reconciled.first_unserved))
            told.append(f"  {found.reconciled.unserved} announced requests are not in the bank's list: {first} …")
    return "\n".join(told)

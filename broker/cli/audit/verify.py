"""`broker audit verify`: checks a log, a mirror, the own database or a proof pack; names the first bad entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from broker.audit.verification.faults import Unfinished
from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.log import Question, Verified, verify_log
from broker.audit.verification.pack import verify_pack
from broker.audit.verification.reading import CHECKPOINT, Read, mirror_at, read_bounded, replaced
from broker.audit.verification.served import Served, check_elsewhere
from broker.cli.audit.remote import credential_option, log_at, origin_of
from broker.cli.audit.telling import good, judged, progress, told_of
from broker.cli.audit.trusted import trust_of, trust_options
from broker.cli.output import json_option
from broker.clock import system_clock
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
    as_of: datetime

    def trust(self, own: tuple[str, ...] = ()) -> Trust:
        """Return whom to believe; `own` are keys that are known besides."""
        return trust_of(self.keys, self.witnesses, self.quorum, own)


@click.command()
@click.option("--log", "logs", multiple=True, help="The log's address; with --database its name; may be repeated.")
@click.option(
    "--mirror",
    "mirrors",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder of a mirror; may be repeated.",
)
@click.option("--database", is_flag=True, help="Check the logs in the broker's own database, all or those named.")
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
    logs: tuple[str, ...],
    mirrors: tuple[Path, ...],
    database: bool,
    pack: Path | None,
    credential_file: Path | None,
    as_json: bool,
    **against: Any,
) -> None:
    """Hash every stored entry again and hold the log against all that is known of it.

    Exit code 0: all is well. 1: something is not as it must be; the first bad entry is named. 2: not all was checked.
    """
    options = Options(**against, as_json=as_json, as_of=_fetched_at(mirrors))
    sources = [bool(mirrors), database, pack is not None, bool(logs) and not database]
    if sum(sources) != 1:
        raise click.UsageError("Name one thing to check: --log, --mirror, --database or --pack.")
    with judged(as_json=as_json):
        if pack is not None:
            _check_pack(pack, options)
        elif database:
            _check_database(logs, options)
        else:
            served = [(log_at(log, credential_file), origin_of(log, options.trust())) for log in logs]
            _check_logs([*served, *((mirror_at(mirror), None) for mirror in mirrors)], options)


def _check_logs(sources: Sequence[tuple[Read, str | None]], options: Options) -> None:
    _refuse_mixed(len(sources), options)
    found = [_verified(read, origin, options.trust(), options) for read, origin in sources]
    _conclude(found, options)
    shown = [one.as_json() for one in found]
    told = shown[0] if len(shown) == 1 else {"logs": {one["log"]: one for one in shown}}
    good("\n".join(map(told_of, found)), told, as_json=options.as_json)


def _verified(read: Read, origin: str | None, trust: Trust, options: Options, former: Head | None = None) -> Verified:
    last = _head_in(options.last, trust) if options.last is not None and options.last.exists() else None
    is_end = former is not None and options.former is None
    if options.former is not None:
        former = _head_in(options.former, trust)
    served: Callable[[str], Served] | None = partial(_served, options) if options.served is not None else None
    question = Question(trust, origin, last, None if former is None else former.checkpoint, is_end, served)
    with progress(origin or "log") as told:
        return verify_log(read, question, told)


def _check_database(names: Sequence[str], options: Options) -> None:
    from broker.audit.vouching import vkeys_of  # noqa: PLC0415 - others need no broker
    from broker.cli.audit.database import logs_of, own_broker, stored  # noqa: PLC0415 - others need no broker

    found: list[Verified] = []
    lines: list[str] = []
    before: Head | None = None
    with own_broker() as base:
        logs = logs_of(base, names)
        _refuse_mixed(len(logs), options)
        for head in logs:
            trust = options.trust(vkeys_of(base.log_keys, head))
            if head.is_dropped:
                lines.append(f"{head.origin}: dropped, {head.size} entries")
                before = opened(head.note, trust.without_quorum, head.origin)
                continue
            former = before if before is not None and _stem(before) == head.origin.rpartition("/")[0] else None
            read = stored(base, head.origin, witnessed=bool(options.witnesses))
            found.append(one := _verified(read, head.origin, trust, options, former))
            before = one.head
            lines.append(told_of(one))
    _conclude(found, options)
    shown = {one.head.checkpoint.origin: one.as_json() for one in found}
    good("\n".join(lines) or "There is no log with entries yet.", {"logs": shown}, as_json=options.as_json)


def _refuse_mixed(count: int, options: Options) -> None:
    if count != 1 and (options.last or options.former):
        raise click.UsageError("A checkpoint to compare with is that of one log: name that alone, with --log.")


def _conclude(found: Sequence[Verified], options: Options) -> None:
    """Hold the whole list against all logs that were checked, and remember the head when nothing is left open."""
    if options.served is not None:
        with options.served.open("rb") as lines:
            check_elsewhere(lines, {one.head.checkpoint.origin for one in found})
    for one in found:
        if one.reconciled is not None and one.reconciled.uncovered:
            head, count = one.head.checkpoint, one.reconciled.uncovered
            first = one.reconciled.first_uncovered
            detail = (
                f"{head.origin}: {count} lines of the served list, from number {first} on, are "
                f"not covered by the checkpoint of {head.size} entries yet. Fetch one that is newer than the list."
            )
            raise Unfinished("served-not-covered", detail, count)
    for one in found:
        if options.last is not None:
            replaced(options.last, one.head.note)


def _check_pack(path: Path, options: Options) -> None:
    has_keys = bool(options.keys or options.witnesses)
    found = verify_pack(path, options.trust() if has_keys else None)
    told = [f"The pack is good: {found.entries} entries, {found.disclosed} details, no gaps."]
    grants = "1 grant" if found.grants == 1 else f"{found.grants} grants"
    told.append(f"{grants} with the terms that their approval in the log commits to.")
    if found.unproved_grants:
        told.append(f"{len(found.unproved_grants)} grants listed, not proved: {', '.join(found.unproved_grants)}")
    told += [f"{log}: checkpoint of {size} entries" for log, size in found.logs.items()]
    if not has_keys:
        told.append("Checked with the keys in the pack itself. Ask each bank for its log's key, and compare: --key.")
    good("\n".join(told), {**found.as_json(), "keys_given": has_keys}, as_json=options.as_json)


def _head_in(path: Path, trust: Trust) -> Head:
    return opened(read_bounded(path, LARGEST_NOTE), trust.without_quorum)


def _served(options: Options, log: str) -> Served:
    if options.served is None:
        return Served()
    with options.served.open("rb") as lines:
        return Served.read(lines, log, options.as_of)


def _fetched_at(mirrors: Sequence[Path]) -> datetime:
    """Return how old what will be checked may be: that of the oldest mirror, else now."""
    found = [(mirror / CHECKPOINT).stat().st_mtime for mirror in mirrors if (mirror / CHECKPOINT).exists()]
    return min([system_clock(), *(datetime.fromtimestamp(at, UTC) for at in found)])


def _stem(head: Head) -> str:
    return head.checkpoint.origin.rpartition("/")[0]

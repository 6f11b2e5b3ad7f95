"""Packs a person's history with its proofs into one file that `broker audit verify --pack` checks without us.

Made from one state of the database: all receipts of a log lead to the one checkpoint that is packed with them.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from broker.audit.evidence import Evidence, evidence_of, logs_about
from broker.audit.tree import Head
from broker.audit.vouching import vkeys_of
from broker.clock import rfc3339
from broker.edge.services import Services
from broker.errors import InvalidRequest
from broker.grants.versions import GrantVersion, versions_of_user
from broker.grants.views import Grant
from broker.web.formats import exact, place
from broker.web.pack_readme import README

FORMAT = "consent-broker-proof-pack/1"
MOST_ENTRIES = 20_000


def packed(session: Session, services: Services, user_id: str, year: str | None) -> bytes:
    """Return the pack as a ZIP archive; `year` limits it to the logs of one year.

    Raises:
        InvalidRequest: there are too many entries for one pack.
    """
    logs = [(head, count) for head, count in logs_about(session, user_id) if year is None or _year(head) == year]
    if sum(count for _, count in logs) > MOST_ENTRIES:
        raise InvalidRequest(
            f"Your history has more than {MOST_ENTRIES} entries: ask for one year, with ?year= at the end of the "
            "address.",
            code="pack-too-large",
        )
    now = services.clock()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        shelf = _Shelf(archive, now.timetuple()[:6])
        shelf.put("README.txt", README.encode())
        entries, gaps = _put_evidence(session, services, user_id, [head for head, _ in logs], shelf)
        content = {
            "format": FORMAT,
            "madeAt": rfc3339(now),
            "logs": [{"origin": head.origin, "vkeys": vkeys_of(services.log_keys, head)} for head, _ in logs],
            "grants": _grants(session, services, user_id, now),
            "entries": entries,
            "gaps": gaps,
        }
        shelf.put("pack.json", json.dumps(content, ensure_ascii=False, indent=1).encode())
    return buffer.getvalue()


class _Shelf:
    """The archive, with the time of its making on every file, so that the same history makes the same pack."""

    def __init__(self, archive: zipfile.ZipFile, made_at: tuple[int, ...]) -> None:
        self._archive = archive
        self._made_at = made_at

    def put(self, name: str, content: bytes) -> None:
        """Add one file."""
        info = zipfile.ZipInfo(name, self._made_at)  # type: ignore[arg-type]  # year, month, day, hour, minute, second
        info.compress_type = zipfile.ZIP_DEFLATED
        self._archive.writestr(info, content)


def _put_evidence(
    session: Session, services: Services, user_id: str, heads: Sequence[Head], shelf: _Shelf
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Put the files of every entry, and return the list of entries and what is missing between them."""
    entries: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    for head in heads:
        shelf.put(f"checkpoints/{_file(head.origin)}.txt", head.note)
        places: dict[str, int] = {}
        for one in evidence_of(session, services.sealer, user_id, head):
            if one.subject_seq is not None:
                expected = places.get(one.subject, 0)
                if one.subject_seq > expected:
                    gaps.append(_gap(one, expected, one.subject_seq - 1, "not in the database"))
                places[one.subject] = one.subject_seq + 1
            if one.receipt is None:
                gaps.append(_gap(one, one.subject_seq, one.subject_seq, "the log is damaged: nothing can be proved"))
            _put(shelf, one)
            entries.append(_entry(one))
    return entries, gaps


def _put(shelf: _Shelf, one: Evidence) -> None:
    name = f"{_file(one.log)}-{one.number}"
    if one.receipt is not None:
        shelf.put(f"receipts/{name}.tlog-proof", one.receipt)
    if one.disclosures:
        shelf.put(f"disclosures/{name}.json", json.dumps(one.disclosures, ensure_ascii=False).encode())


def _entry(one: Evidence) -> dict[str, Any]:
    return {
        "origin": one.log,
        "number": one.number,
        "subject": one.subject,
        "subjectSeq": one.subject_seq,
        "event": one.event,
        "time": one.time_us,
    }


def _gap(one: Evidence, first: int | None, last: int | None, why: str) -> dict[str, Any]:
    """Name what is missing of the person's chain, before or at this entry: nobody may take anything out of it."""
    return {"origin": one.log, "subject": one.subject, "from": first, "to": last, "why": why}


def _grants(session: Session, services: Services, user_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return every grant as it is now and, of an amended one, what its earlier versions said."""
    versions = versions_of_user(session, user_id)
    rows = []
    for grant in services.grant_reader.of_user(session, user_id, now):
        rows.append(_grant(grant))
        rows += [_earlier(one) for one in versions.get(grant.id, ()) if one.version < grant.version]
    return rows


def _earlier(version: GrantVersion) -> dict[str, Any]:
    return {
        "id": version.grant_id,
        "version": version.version,
        "status": "SUPERSEDED",
        "terms": version.terms.to_json(),
        "notice": dict(version.notice),
        "approvedAt": exact(version.created_at),
        "accounts": [{"account": account} for account in version.accounts],
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "version": grant.version,
        "status": grant.status.value,
        "reason": grant.status_code,
        "bank": grant.bank_id,
        "platform": grant.platform_id,
        "terms": grant.terms.to_json(),
        "notice": dict(grant.notice),
        "createdAt": exact(grant.created_at),
        "approvedAt": exact(grant.authorised_at) if grant.authorised_at else None,
        "expiresAt": exact(grant.expires_at),
        "categories": [{"name": one.term.name, "state": one.state.value} for one in grant.categories],
        "accounts": [
            {"account": one.account_id, "label": one.label, "state": one.state.value} for one in grant.accounts
        ],
    }


def _file(origin: str) -> str:
    return place(origin).replace("/", "-")


def _year(head: Head) -> str:
    return head.origin.rsplit("/", 1)[-1][:4]

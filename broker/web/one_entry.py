"""One entry of the log in full, in words, with the check of its receipt: for reading, for printing, for proof.

The check here is ours, and says so; the page leads to the one that runs in the reader's own browser.
"""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from broker.audit import receipts
from broker.audit.reader import LoggedEntry
from broker.audit.tree import head_of
from broker.audit.vouching import vkeys_of
from broker.crypto.digests import base64url
from broker.edge.gates import actor
from broker.edge.services import services
from broker.errors import NotFound
from broker.tlog.disclosure import check
from broker.tlog.errors import Unverifiable
from broker.tlog.proof import parse_proof
from broker.tlog.receipt import verify_receipt
from broker.web.log_rows import SHORT_PAGE, FilterForm, collect
from broker.web.timeline import Item, items_of, read

blueprint = Blueprint("one_entry", __name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of a receipt has found. `code` names what is wrong, empty when nothing is; `size` is the log's.

    `opened` is how many details were compared with the entry; `receipt` is the receipt as headers carry it.
    """

    code: str
    detail: str
    size: int
    witnesses: tuple[str, ...]
    opened: int
    receipt: str
    keys: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.code


@blueprint.get("/history/entries/<owner>/<year>/<int:number>")
def show(owner: str, year: str, number: int) -> ResponseReturnValue:
    """Show one entry about the person in full, and check its receipt."""
    user_id = actor().user_id
    with services().database.read() as session:
        log = receipts.log_at(session, owner, year)
        receipt = receipts.of_person(session, user_id, log, number)
        verdict = judged(session, log, receipt, _disclosures(session, user_id, log, number))
    item = _item(log, number, json.loads(parse_proof(receipt).extra)["time"])
    return render_template("one_entry.html", item=item, verdict=verdict, base=services().settings.base_url)


def judged(session: Session, log: str, receipt: bytes, disclosures: tuple[Any, ...]) -> Verdict:
    """Check a receipt by the keys of its log, and that the details are those that the entry commits to."""
    keys = services().log_keys.verifiers(log)
    shown = vkeys_of(services().log_keys, head_of(session, log))
    code, detail, size = "", "", 0
    witnesses: tuple[str, ...] = ()
    try:
        found = verify_receipt(receipt, keys, origin=log)
        check(json.loads(found.leaf), disclosures)
        size, witnesses = found.checkpoint.size, tuple(one.name for one in found.cosigners)
    except Unverifiable as error:
        code, detail = error.code, error.detail
    return Verdict(code, detail, size, witnesses, len(disclosures), base64url(receipt), shown)


def _disclosures(session: Session, user_id: str, log: str, number: int) -> tuple[Any, ...]:
    """Return what opens the entry's digests; a switch is about nobody and has nothing that is theirs to open."""
    try:
        return receipts.disclosures_of_person(session, services().sealer, user_id, log, number)
    except NotFound:
        return ()


def _item(log: str, number: int, time_us: int) -> Item:
    """Read the entry with what came just before it, so that an outcome stands with its request."""
    wanted = dict.fromkeys(FilterForm().fields)
    before = f"{time_us}:{number + 1}:{log}"
    found = next(items_of(read({**wanted, "before": before}, partial(collect, size=SHORT_PAGE))), None)
    if found is None or not _is(found.entry, log, number):
        raise NotFound("There is no such entry for you.")
    return found


def _is(entry: LoggedEntry, log: str, number: int) -> bool:
    return (entry.log, entry.number) == (log, number)

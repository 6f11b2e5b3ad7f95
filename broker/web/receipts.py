"""What people take along from their history: receipts, the details behind them, and all of it in one proof pack."""

import json

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Regexp

from broker.audit import receipts
from broker.edge.answers import download
from broker.edge.gates import actor
from broker.edge.hand_over import may_be_taken_slowly
from broker.edge.services import services
from broker.errors import NotFound
from broker.web import proof_pack
from broker.web.forms import Form, parsed

TEXT, JSON, ZIP = "text/plain; charset=utf-8", "application/json", "application/zip"
blueprint = Blueprint("receipts", __name__)


class _Years(Form):
    year = fields.String(load_default=None, validate=Regexp(r"[0-9]{4}\Z"))


@blueprint.get("/history/receipts/<owner>/<year>/<int:number>")
def receipt(owner: str, year: str, number: int) -> ResponseReturnValue:
    """Give the receipt of an entry about the person."""
    with services().database.read() as session:
        log = receipts.log_at(session, owner, year)
        found = receipts.of_person(session, actor().user_id, log, number)
    return download(found, f"{owner}-{year}-{number}.tlog-proof", TEXT)


@blueprint.get("/history/disclosures/<owner>/<year>/<int:number>")
def disclosures(owner: str, year: str, number: int) -> ResponseReturnValue:
    """Give what opens the digests in an entry about the person."""
    with services().database.read() as session:
        log = receipts.log_at(session, owner, year)
        found = receipts.disclosures_of_person(session, services().sealer, actor().user_id, log, number)
    if not found:
        raise NotFound("This entry has no details.")
    return download(json.dumps(found, ensure_ascii=False).encode(), f"{owner}-{year}-{number}.json", JSON)


@blueprint.get("/history/proof-pack")
def pack() -> ResponseReturnValue:
    """Give everything that proves the person's history, in one file."""
    year = parsed(_Years(), request.args)["year"]
    may_be_taken_slowly()
    with services().database.read() as session:
        packed = proof_pack.packed(session, services(), actor().user_id, year)
    return download(packed, "proof-pack.zip", ZIP)

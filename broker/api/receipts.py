"""The receipts of a grant's own entries, for the platform that holds the grant: no data, hence no category."""

import re

from flask import Blueprint, Response, g, make_response

from broker.api import schemas
from broker.edge.services import services
from broker.errors import NotFound
from broker.release import Released

blueprint = Blueprint("grant_receipts", __name__)

_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)


@blueprint.get("/receipts/<bank_id>/<year>/<number>")
def receipt(bank_id: str, year: str, number: str) -> Response:
    """Show the receipt of one entry about the token's grant."""
    schemas.query(schemas.EmptyQuery())
    if not _NUMBER.fullmatch(number):
        raise NotFound
    log = f"{services().settings.base_host}/audit/{bank_id}/{year}"
    response = make_response(services().own_receipts.of(g.call, log, int(number)))
    response.content_type = "text/plain; charset=utf-8"
    return response


def attach(response: Response, released: Released) -> None:
    """Let an answer carry the receipt of its own release, and the address at which it can be had again (RFC 8288)."""
    bank_id, year = released.log.split("/")[-2:]
    url = f"{services().settings.base_url}/v1/receipts/{bank_id}/{year}/{released.number}"
    response.headers["x-broker-receipt"] = released.receipt
    response.headers["x-broker-disclosures"] = released.disclosures
    response.headers["Link"] = f'<{url}>; rel="receipt"'

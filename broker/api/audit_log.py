"""The logs, for those who verify them: checkpoints and hashes for everybody, entries for the bank they are about.

C2SP tlog-tiles below `/audit/<owner>/<year>/`, so that verifiers which know nothing of this broker can read it.
"""

from collections.abc import Callable

from flask import Blueprint, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from broker.audit import published
from broker.audit.published import Stored
from broker.audit.tree import head_of
from broker.audit.vouching import vkeys_of
from broker.edge.services import services

hashes = Blueprint("audit_hashes", __name__)
entries = Blueprint("audit_entries", __name__)

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_FOR_EVER = "max-age=31536000, immutable"
_FOR_NOW = "max-age=2"


@hashes.get("/<owner>/<year>/checkpoint")
def checkpoint(owner: str, year: str) -> AnyResponse:
    """Show the newest checkpoint that a witness has cosigned; without witnesses, the newest."""
    return _answer(owner, year, published.checkpoint, _TEXT, "public")


@hashes.get("/<owner>/<year>/keys")
def keys(owner: str, year: str) -> AnyResponse:
    """Show the verifier keys of the log, one a line (C2SP signed-note): of one in use only those that sign."""

    def read(session: Session, log: str) -> Stored:
        published.checkpoint(session, log)  # no keys of a log that does not exist
        return Stored("".join(f"{vkey}\n" for vkey in vkeys_of(services().log_keys, head_of(session, log))).encode())

    return _answer(owner, year, read, _TEXT, "public")


@hashes.get("/<owner>/<year>/tile/<level>/<path:place>")
def hash_tile(owner: str, year: str, level: str, place: str) -> AnyResponse:
    """Show a tile of hashes."""
    path = f"tile/{level}/{place}"
    return _answer(owner, year, lambda session, log: published.hash_tile(session, log, path), _BYTES, "public")


@entries.get("/<owner>/<year>/tile/entries/<path:place>")
def entry_bundle(owner: str, year: str, place: str) -> AnyResponse:
    """Show a bundle of entries."""
    path = f"tile/entries/{place}"
    return _answer(owner, year, lambda session, log: published.entry_bundle(session, log, path), _BYTES, "private")


@entries.get("/<owner>/<year>/proof/<number>")
def proof(owner: str, year: str, number: str) -> AnyResponse:
    """Show the receipt of one entry, against the newest checkpoint."""
    return _answer(owner, year, lambda session, log: published.proof(session, log, number), _TEXT, "private")


def _answer(owner: str, year: str, read: Callable[[Session, str], Stored], kind: str, who: str) -> AnyResponse:
    """Answer with bytes of a log. What never changes may be kept for ever; `who` says by whom."""
    log = published.log_at(services().settings.base_host, owner, year)
    with services().database.read() as session:
        stored = read(session, log)
    response = make_response(stored.body)
    response.content_type = kind
    response.headers["Cache-Control"] = f"{who}, {_FOR_EVER if stored.final else _FOR_NOW}"
    response.add_etag()
    return response.make_conditional(request)

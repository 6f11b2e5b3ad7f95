"""Reads the logs of the own database as they are stored, for those who check and export them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from broker.app import build_services
from broker.audit import published
from broker.audit.tree import Head, heads
from broker.audit.verification.reading import CHECKPOINT, Missing, Read
from broker.edge.services import Services
from broker.errors import NotFound
from broker.settings import load_settings


@contextmanager
def own_broker() -> Iterator[Services]:
    """Build the services of the broker whose environment this is, and close them in the end.

    Raises:
        ConfigurationInvalid: there is no such broker.
    """
    base = build_services(load_settings())
    try:
        yield base
    finally:
        base.close()


def stored(base: Services, log: str, *, witnessed: bool = False) -> Read:
    """Return the reader of one log: of all its entries, or of those that witnesses have signed for."""
    checkpoint = published.checkpoint if witnessed else published.tip

    def read(path: str) -> bytes:
        try:
            with base.database.read() as session:
                if path == CHECKPOINT:
                    return checkpoint(session, log).body
                if path.startswith("tile/entries/"):
                    return published.entry_bundle(session, log, path).body
                return published.hash_tile(session, log, path).body
        except NotFound as error:
            raise Missing(path) from error

    return read


def logs_of(base: Services, names: Sequence[str]) -> list[Head]:
    """Return the heads of all logs that hold entries, or of those so named.

    Raises:
        NotFound: there is no such log.
    """
    with base.database.read() as session:
        found = [head for head in heads(session) if not names or head.origin in names]
    if not {head.origin for head in found} >= set(names):
        raise NotFound("There is no such log.")
    return [head for head in found if head.size > 0]

"""Looks at every bank: are there facts for it, does it answer, does its clock agree. All at once, bounded in time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from broker.app import Connectors
from broker.banks.connector import Connector
from broker.cli.doctor.clocks import compared
from broker.cli.doctor.finding import Finding, doubtful, looking, well, wrong
from broker.clock import system_clock
from broker.crypto.keyset import Keyset
from broker.errors import BankInvalidAnswer, BankTimeout, BankUnavailable, BrokerError
from broker.outbound import OutboundClient
from broker.policy import Catalogue
from broker.settings import Settings
from broker.storage.engine import Database

_LONGEST_S = 5.0
_AT_ONCE = 8
_GRAIN = timedelta(seconds=1)  # an HTTP date has whole seconds
_MENDS: tuple[tuple[type[BrokerError], str], ...] = (
    (BankTimeout, "Ask the bank, and check the network between; BROKER_BANK_TIMEOUT_S says how long it may take."),
    (
        BankInvalidAnswer,
        "Compare issuer and address with what the bank publishes, and add it anew with `broker bank add`.",
    ),
    (
        BankUnavailable,
        "Check that the bank is up and its name resolves; a private address must stand in BROKER_OUTBOUND_ALLOW.",
    ),
    (BrokerError, "Add the bank anew with `broker bank add`."),
)


def findings(
    settings: Settings, database: Database, keyset: Keyset | None, catalogue: Catalogue | None
) -> Iterator[Finding]:
    """Ask every bank for its metadata."""

    def look() -> Iterator[Finding]:
        if keyset is None:
            yield doubtful("banks", "They were not asked, because there are no keys.", "Mend the keys first.")
            return
        timeout_s = min(settings.bank_timeout_s, _LONGEST_S)
        http = OutboundClient(settings.outbound_allow, timeout_s, settings.bank_answer_max_bytes)
        facts = catalogue.banks if catalogue is not None else {}
        connectors = Connectors(database, http, keyset, system_clock, facts)
        bank_ids = list(connectors)
        if not bank_ids:
            yield doubtful("banks", "There is no bank yet.", "Add one with `broker bank add`.")
        for bank_id in bank_ids:
            if catalogue is not None and bank_id not in catalogue.banks:
                mend = f"Write banks/{bank_id}.yaml among the policies."
                yield wrong(f"bank {bank_id}", "There are no facts for it, so nothing of it can be shared.", mend)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for found in pool.map(lambda bank_id: _asked(bank_id, connectors), bank_ids):
                yield from found

    yield from looking("banks", look, "Mend the database first.")


def _asked(bank_id: str, connectors: Connectors) -> list[Finding]:
    before = system_clock()
    try:
        connector: Connector = connectors[bank_id]
        told = connector.health()
    except BrokerError as error:
        return [wrong(f"bank {bank_id}", error.detail, next(mend for kind, mend in _MENDS if isinstance(error, kind)))]
    found = [well(f"bank {bank_id}", "It answers, and its metadata can be used.")]
    if told is not None:
        found.append(compared(f"clock and bank {bank_id}", told, before, system_clock(), _GRAIN))
    return found

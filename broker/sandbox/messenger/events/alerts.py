"""A bank's warning: fetched under the grant as soon as its id has come, and shown in the chat with "was it you?"."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from broker.sandbox.messenger import blocks, refusals
from broker.sandbox.messenger.api import BrokerApi, RefusedError
from broker.sandbox.messenger.bank_warnings import Warned, read_warning, rows_of
from broker.sandbox.messenger.config import Config
from broker.sandbox.messenger.records import BadAnswerError
from broker.sandbox.messenger.store import Store
from broker.sandbox.messenger.store.connections import Connection, Status
from broker.sandbox.messenger.store.conversation import Author

from .vocabulary import Event
from .worker import LaterError

CATEGORY = "fraud_alerts"
AGAIN = frozenset({"broker-unreachable", "bank-unavailable", "log-unavailable", "storage-unavailable"})


class Alerts:
    """Fetches alerts and puts them into the chat."""

    def __init__(self, config: Config, api: BrokerApi, store: Store) -> None:
        self._config = config
        self._api = api
        self._store = store

    def show(self, event: Event) -> None:
        """Show the alert that an event is about, to everybody who shares it.

        Raises:
            LaterError: bank or broker do not answer now.

        """
        for connection in self._store.connections.of_grant(event.grant_id):
            if connection.status is Status.ACTIVE and connection.standing.refusal_of(CATEGORY) is None:
                self._show(connection, event.text("alert_id"))

    def _show(self, connection: Connection, alert_id: str) -> None:
        bank = self._config.bank_name(connection.bank_id)
        try:
            # Nobody has asked: Messenger reads it on its own, and says so by naming no person who is there.
            one = self._api.one(connection, None, f"/v1/fraud-alerts/{quote(alert_id, safe='')}")
            self._store.receipts.keep(connection.person_id, connection.id, one.receipts)
            said = [self._block(connection, bank, one.record)]
        except RefusedError as error:
            if error.code in AGAIN:
                raise LaterError from error
            said = [
                blocks.text(
                    f"{bank} has a warning for you that I could not read. Please look at what {bank} sent you."
                ),
                refusals.tell(error, CATEGORY, bank, self._config.name),
            ]
        except BadAnswerError:
            said = [refusals.tell(RefusedError("invalid-answer"), CATEGORY, bank, self._config.name)]
        self._store.conversation.say(connection.person_id, Author.ASSISTANT, said, connection.id, CATEGORY)

    @staticmethod
    def _block(connection: Connection, bank: str, record: Mapping[str, Any]) -> blocks.Block:
        warned: Warned = read_warning(record)
        account = connection.account_names.get(warned.account_id or "")
        at = warned.at.isoformat() if warned.at else ""
        return blocks.alert(bank, rows_of(warned, account), warned.where(), at)

"""Forgetting: what Messenger holds of one connection is deleted, and where it stood the chat says so."""

from collections.abc import Collection

from broker.sandbox.messenger.store import Store
from broker.sandbox.messenger.store.connections import Connection

NAMES_STAND_IN = frozenset({"accounts", "balances", "balance_answers", "fraud_alerts"})
"""Answers that call accounts by their names: they go when the names do."""


class Forgetting:
    """Forgets the data of a connection, all or some of it. Each can be said again, and forgets nothing twice."""

    def __init__(self, store: Store) -> None:
        self._connections = store.connections
        self._conversation = store.conversation
        self._receipts = store.receipts

    def everything(self, connection: Connection) -> int:
        """End a connection: tokens, names and answers go; say how many answers."""
        self._connections.end(connection)
        return self.data(connection, "I deleted this answer when your sharing ended.")

    def data(self, connection: Connection, words: str) -> int:
        """Delete what came over a connection, which may go on; say how many answers that were."""
        self._connections.forget_names(connection)
        return self._conversation.redact(connection.id, words)

    def receipts(self, connection: Connection) -> None:
        """Delete the receipts too: they hold no bank data, but the person asked for all."""
        self._receipts.forget(connection.id)

    def categories(self, connection: Connection, names: Collection[str]) -> int:
        """Delete the answers of some categories; say how many."""
        forgotten = set(names)
        if "accounts" in forgotten:
            self._connections.forget_names(connection)
            forgotten |= NAMES_STAND_IN
        return self._conversation.redact(connection.id, "I deleted this answer: you stopped sharing it.", forgotten)

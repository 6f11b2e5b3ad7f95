"""The money assistant: takes what a person says, asks over their connections, and puts the answers in the chat."""

from . import blocks
from .answers import answer
from .api import BrokerApi, Presence
from .bank_data import BankData
from .config import Config
from .intents import QUICK_REPLIES, Intent, understand
from .store import Store
from .store.connections import Connection, Status
from .store.conversation import Author
from .store.people import Person


class Assistant:
    """Answer questions in a person's conversation."""

    def __init__(self, config: Config, api: BrokerApi, store: Store) -> None:
        self._config = config
        self._api = api
        self._connections = store.connections
        self._conversation = store.conversation
        self._receipts = store.receipts

    def greet(self, person: Person) -> None:
        """Say hello."""
        self._say(
            person,
            blocks.text(
                f"Hello {person.name}! I am the money assistant of {self._config.name}. Connect a bank, and I answer "
                "questions about your money. You choose what I may see, and you can take it back at any time."
            ),
            blocks.offer(),
        )

    def hear(self, person: Person, question: str, presence: Presence) -> None:
        """Take a question and answer it, once for each bank that is connected."""
        self._conversation.say(person.id, Author.PERSON, [blocks.text(question)])
        intent = understand(question)
        if intent is None:
            self._say(person, blocks.text(f"I did not understand that. You can ask me: {' · '.join(QUICK_REPLIES)}"))
            return
        current = newest_of_each_bank(self._connections.of(person.id))
        if intent is Intent.CONNECT or not current:
            words = "Choose a bank to connect." if current else "To answer that, I need a bank to ask."
            self._say(person, blocks.text(words), blocks.offer())
            return
        for connection in current:
            data = BankData(self._api, self._connections, connection, presence)
            bank = self._config.bank_name(connection.bank_id)
            told = answer(intent, data, bank, self._config.name)
            if data.receipts:
                self._receipts.keep(person.id, data.receipts)
                told.append(blocks.receipts([f"{each.log}, entry {each.number}" for each in data.receipts]))
            self._conversation.say(person.id, Author.ASSISTANT, told, connection.id)

    def _say(self, person: Person, *said: blocks.Block) -> None:
        self._conversation.say(person.id, Author.ASSISTANT, said)


def newest_of_each_bank(connections: list[Connection]) -> list[Connection]:
    """Pick the live connections to ask: of several to one bank, the newest. Expects newest first."""
    picked: dict[str, Connection] = {}
    for connection in connections:
        if connection.status is Status.ACTIVE:
            picked.setdefault(connection.bank_id or connection.id, connection)
    return list(picked.values())

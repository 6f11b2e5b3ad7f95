"""The money assistant: takes what a person says, asks over their connections, and puts the answers in the chat."""

from . import blocks, enough
from .answers import ANSWERS, answer
from .api import BrokerApi, Presence
from .bank_data import BankData
from .config import Config
from .intents import QUICK_REPLIES, Intent, understand
from .place_question import place_of
from .store import Store
from .store.connections import Connection, Status
from .store.conversation import Author
from .store.people import Person
from .was_it_me import WasItMe

NO_DATA = frozenset({"refusal", "trouble", "offer"})


class Assistant:
    """Answer questions in a person's conversation."""

    def __init__(self, config: Config, api: BrokerApi, store: Store, was_it_me: WasItMe) -> None:
        self._config = config
        self._api = api
        self._connections = store.connections
        self._conversation = store.conversation
        self._receipts = store.receipts
        self._was_it_me = was_it_me

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
        if intent is Intent.USED_THERE:
            self._look_there(person, question, current, presence)
            return
        for connection in current:
            self._answer(person, intent, question, BankData(self._api, self._connections, connection, presence))

    def _answer(self, person: Person, intent: Intent, question: str, data: BankData) -> None:
        connection, platform = data.connection, self._config.name
        bank = self._config.bank_name(connection.bank_id)
        is_amount = intent is Intent.ENOUGH
        told = enough.answer(question, data, bank, platform) if is_amount else answer(intent, data, bank, platform)
        category = enough.CATEGORY if is_amount else ANSWERS[intent][0]
        if data.receipts:
            self._receipts.keep(person.id, connection.id, data.receipts)
            told.append(blocks.receipts(data.receipts))
        # What was refused holds no data, and is not forgotten with it.
        source = None if told[0]["kind"] in NO_DATA else connection.id
        self._conversation.say(person.id, Author.ASSISTANT, told, source, category if source else None)

    def _look_there(self, person: Person, question: str, current: list[Connection], presence: Presence) -> None:
        where = place_of(question)
        if where is None:
            example = "Was my card used in Leeds, United Kingdom?"
            self._say(person, blocks.text(f"Please name the country, or a town and its country: “{example}”"))
            return
        for connection in current:
            self._was_it_me.asked(person, connection, where, presence)

    def _say(self, person: Person, *said: blocks.Block) -> None:
        self._conversation.say(person.id, Author.ASSISTANT, said)


def newest_of_each_bank(connections: list[Connection]) -> list[Connection]:
    """Pick the live connections to ask: of several to one bank, the newest. Expects newest first."""
    picked: dict[str, Connection] = {}
    for connection in connections:
        if connection.status is Status.ACTIVE:
            picked.setdefault(connection.bank_id or connection.id, connection)
    return list(picked.values())

"""Takes the answer to a warning: it was me, it was not, or a look where the card was used (location answers)."""

from datetime import datetime, timedelta
from typing import Any

from . import blocks, clock, refusals
from .api import BrokerApi, Presence, RefusedError
from .bank_warnings import place_in_words
from .blocks import Block
from .config import Config
from .store import Store
from .store.connections import Connection
from .store.conversation import Author, Message
from .store.people import Person

CATEGORY = "location_answers"
SPANS = {
    timedelta(hours=6): ("PT6H", "the last 6 hours"),
    timedelta(days=1): ("P1D", "the last 24 hours"),
    timedelta(days=3): ("P3D", "the last 3 days"),
    timedelta(days=7): ("P7D", "the last 7 days"),
    timedelta(days=30): ("P30D", "the last 30 days"),
}
YES, NO, CHECK = "yes", "no", "check"
SAID = {YES: "Yes, it was me.", NO: "No, it was not me.", CHECK: "Check where my card was used."}


class WasItMe:
    """Answers what a person says to a warning."""

    def __init__(self, config: Config, api: BrokerApi, store: Store) -> None:
        self._config = config
        self._api = api
        self._store = store

    def hear(self, person: Person, message: Message, said: str, presence: Presence) -> None:
        """Take one of the three answers to the warning of a message; anything else changes nothing."""
        alert = next((block for block in message.blocks if block["kind"] == "alert"), None)
        connection = self._store.connections.find(person.id, message.connection_id or "")
        if alert is None or connection is None or said not in SAID:
            return
        self._store.conversation.say(person.id, Author.PERSON, [blocks.text(SAID[said])])
        told = self._checked(connection, alert, presence) if said == CHECK else _advice(said, alert["bank"])
        category = CATEGORY if said == CHECK else None
        self._store.conversation.say(
            person.id, Author.ASSISTANT, told, connection.id if said == CHECK else None, category
        )

    def asked(self, person: Person, connection: Connection, where: dict[str, str], presence: Presence) -> None:
        """Answer whether a card was used at a place in the last day."""
        bank = self._config.bank_name(connection.bank_id)
        told = self._answered(connection, bank, where, timedelta(days=1), presence)
        self._store.conversation.say(person.id, Author.ASSISTANT, told, connection.id, CATEGORY)

    def _checked(self, connection: Connection, alert: dict[str, Any], presence: Presence) -> list[Block]:
        if not alert["where"]:
            return [blocks.text(f"{alert['bank']} did not say where it happened, so there is no place I could check.")]
        happened_at = datetime.fromisoformat(alert["at"]) if alert["at"] else clock.now() - timedelta(days=1)
        back = clock.now() - happened_at + timedelta(hours=1)
        return self._answered(connection, alert["bank"], alert["where"], back, presence)

    def _answered(
        self, connection: Connection, bank: str, where: dict[str, str], back: timedelta, presence: Presence
    ) -> list[Block]:
        code, words = next((named for span, named in SPANS.items() if span >= back), SPANS[max(SPANS)])
        try:
            refusals.check_rest(connection.standing, CATEGORY)
            one = self._api.one(connection, presence, "/v1/answers/location", {"place": where, "since": code})
        except RefusedError as error:
            return [refusals.tell(error, CATEGORY, bank, self._config.name)]
        told = [blocks.text(_in_words(str(one.record.get("answer")), bank, place_in_words(where) or "there", words))]
        if one.receipts:
            self._store.receipts.keep(connection.person_id, connection.id, one.receipts)
            told.append(blocks.receipts(one.receipts))
        return told


def _in_words(answer: str, bank: str, place: str, span: str) -> str:
    if answer == "yes":
        return f"Yes. {bank} lists a use of your card in {place} in {span}. If that was not you, call {bank} now."
    if answer == "no":
        return f"No. {bank} lists no use of your card in {place} in {span}. A very new payment may not be listed yet."
    return f"{bank} cannot say. It lists a use of your card, but not well enough where that was."


def _advice(said: str, bank: str) -> list[Block]:
    if said == YES:
        return [blocks.text(f"Good. {bank} may still ask you itself: I have told nobody what you said.")]
    return [
        blocks.notice(
            f"Call {bank} now, with the number on the back of your card, and ask them to block it. "
            "I cannot do that for you. Nobody from a bank will ever ask for your password."
        )
    ]

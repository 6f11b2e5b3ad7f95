"""Requests to delete: acknowledged, carried out, confirmed to the broker, and told in the chat."""

import logging
from collections.abc import Iterator
from typing import Any

from broker.sandbox.messenger import blocks
from broker.sandbox.messenger.config import Config
from broker.sandbox.messenger.keys import SealBrokenError
from broker.sandbox.messenger.machine import Machine, MachineFailedError
from broker.sandbox.messenger.store import Store
from broker.sandbox.messenger.store.conversation import Author

from .forgetting import Forgetting
from .vocabulary import Event

SCOPE = "deletions"
ALREADY_DONE = 409
PAGE, MOST_PAGES = 200, 50
log = logging.getLogger("messenger.events")


class Deletions:
    """Does what people ask to have deleted. Every step can be repeated after a failure; what is done is done once."""

    def __init__(self, config: Config, store: Store, machine: Machine) -> None:
        self._config = config
        self._store = store
        self._machine = machine
        self._forgetting = Forgetting(store)

    def carry_out(self, event: Event) -> None:
        """Delete what is held under the grant of an event, and confirm it.

        Raises:
            MachineFailedError: the broker does not answer; nothing is lost by doing it all again.

        """
        self._delete(event.text("deletion_id"), event.grant_id)

    def catch_up(self) -> None:
        """Carry out the requests that are open at the broker: an event can be lost, the list cannot.

        Raises:
            MachineFailedError: the broker does not answer.

        """
        for deletion_id, grant_id in self._open():
            try:
                self._delete(deletion_id, grant_id)
            except SealBrokenError:
                log.error("a request to delete stays open: what it is about cannot be opened")  # noqa: TRY400 - the stack says nothing of which row was altered

    def _open(self) -> Iterator[tuple[str, str]]:
        """Read the list page by page; what has been carried out meanwhile is behind us, and is not looked for."""
        after = ""
        for _ in range(MOST_PAGES):
            url = f"{self._config.api_base}/v1/deletions?status=open&page-size={PAGE}{after}"
            answer = self._machine.call(SCOPE, "GET", url)
            found = [one for one in _requests(answer) if _is_id(one[0])]
            yield from found
            if not found or not _has_next(answer):
                return
            after = f"&after={found[-1][0]}"
        log.warning("more requests to delete are open than are read at once")

    def _delete(self, deletion_id: str, grant_id: str) -> None:
        if not _is_id(deletion_id) or self._store.done_deletions.has(deletion_id):
            return
        base = f"{self._config.api_base}/v1/deletions/{deletion_id}"
        self._machine.call(SCOPE, "POST", f"{base}/acknowledgement")
        told: dict[str, tuple[int, str]] = {}
        for connection in self._store.connections.of_grant(grant_id):
            count = self._forgetting.data(connection, "I deleted this answer because you asked me to.")
            self._forgetting.receipts(connection)
            told[connection.person_id] = count, self._config.bank_name(connection.bank_id)
        try:
            self._machine.call(SCOPE, "POST", f"{base}/completion", {"statement": "completed"})
        except MachineFailedError as error:
            if error.status != ALREADY_DONE:
                raise
        for person_id, (count, bank) in told.items():
            words = f"You asked me to delete your data from {bank}. " + _deleted(count)
            said = [blocks.notice(words, leads_to_sharing=True)]
            self._store.conversation.say(person_id, Author.ASSISTANT, said)
        # Last of all: to be told twice after a crash is better than never.
        self._store.done_deletions.note(deletion_id)


def _is_id(value: str) -> bool:
    return value.isascii() and value.replace("-", "").isalnum()


def _requests(answer: Any) -> list[tuple[str, str]]:
    data = answer.get("data") if isinstance(answer, dict) else None
    found = data.get("deletions") if isinstance(data, dict) else None
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [(str(one.get("deletionId", "")), str(one.get("grantId", ""))) for one in listed]


def _has_next(answer: Any) -> bool:
    links = answer.get("links") if isinstance(answer, dict) else None
    return isinstance(links, dict) and "next" in links


def _deleted(count: int) -> str:
    if not count:
        return "I held none any more, and I have told the broker so."
    answers = "one answer" if count == 1 else f"{count} answers"
    return f"I have deleted {answers} in this chat with the receipts, and I have told the broker that it is done."

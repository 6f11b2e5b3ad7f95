"""What Messenger does when a permission changes: leaves alone what is paused, forgets what is stopped, says so."""

from collections.abc import Callable
from dataclasses import replace

from broker.sandbox.messenger import blocks
from broker.sandbox.messenger.config import Config
from broker.sandbox.messenger.linking import accounts_of, shared_rows
from broker.sandbox.messenger.machine import Machine
from broker.sandbox.messenger.money import show_day
from broker.sandbox.messenger.standing import WHOLE, Standing
from broker.sandbox.messenger.store import Store
from broker.sandbox.messenger.store.connections import Connection, Status
from broker.sandbox.messenger.store.conversation import Author

from .forgetting import Forgetting
from .grant_views import GrantStatus, GrantView, read_grant
from .sentences import sentence_of
from .vocabulary import ENDS, Change, Event

RESTS: dict[Change, Callable[[Standing, str], Standing]] = {
    Change.PAUSED: Standing.pausing,
    Change.RESUMED: Standing.resuming,
    Change.CATEGORY_PAUSED: Standing.pausing,
    Change.CATEGORY_RESUMED: Standing.resuming,
    Change.SUSPENDED: Standing.suspending,
    Change.RESTORED: Standing.restoring,
}
READ_AGAIN = frozenset(
    {Change.AMENDED, Change.CATEGORY_REVOKED, Change.ACCOUNT_PAUSED, Change.ACCOUNT_RESUMED, Change.ACCOUNT_REMOVED}
)


class Reactions:
    """React to changes of grants. Each reaction can be repeated, and ends in the same state."""

    def __init__(self, config: Config, store: Store, machine: Machine) -> None:
        self._config = config
        self._store = store
        self._machine = machine
        self._forgetting = Forgetting(store)

    def react(self, event: Event) -> None:
        """React to one change, for everybody whose connection is under the grant.

        Raises:
            MachineFailedError: the grant must be read again, and cannot be now.

        """
        if event.text("change") not in frozenset(Change):
            return
        change = Change(event.text("change"))
        for connection in self._store.connections.of_grant(event.grant_id):
            if connection.status is Status.ACTIVE:
                self._react(connection, change, event)
            elif change in ENDS and self._forgetting.everything(connection):
                # A call has met the end before the event came, and has told it.
                self._say(connection, "I have deleted the answers that showed your data.")

    def catch_up(self, connection: Connection, *, is_after_gap: bool = False) -> bool:
        """Read a grant again and go by it; tell whether it lives. Behind a gap, pauses of categories are unknown.

        Raises:
            MachineFailedError: the broker does not answer.

        """
        if connection.status is not Status.ACTIVE or connection.grant_id is None:
            return connection.status is Status.ACTIVE
        view = read_grant(self._machine, connection.grant_id)
        if view.status is GrantStatus.ENDED:
            forgotten = self._forgetting.everything(connection)
            bank = self._config.bank_name(connection.bank_id)
            words = f"Your sharing from {bank} has ended. I have deleted my access"
            words += f" and {forgotten} answers with your data." if forgotten else "."
            self._say(connection, words)
            return False
        self._store_view(connection, view, is_after_gap=is_after_gap)
        return True

    def _react(self, connection: Connection, change: Change, event: Event) -> None:
        view = None
        if change in READ_AGAIN or (event.is_after_gap and change not in ENDS):
            view = read_grant(self._machine, event.grant_id)
        if view is not None and view.status is GrantStatus.ENDED:
            return  # its end is on its way, and says so
        if view is not None:
            connection = self._store_view(connection, view, is_after_gap=event.is_after_gap)
        forgotten = self._forget(connection, change, event)
        if change in RESTS:
            name = event.text("category") or WHOLE
            self._store.connections.rest(connection, RESTS[change](connection.standing, name))
        if change is Change.AMENDED:
            self._say_amended(connection, view)
        elif change is not Change.APPROVED:
            bank = self._config.bank_name(connection.bank_id)
            self._say(connection, sentence_of(change, event, bank, forgotten))

    def _store_view(self, connection: Connection, view: GrantView, *, is_after_gap: bool) -> Connection:
        """Write down how a grant stands; an event that comes later says the same again, or more."""
        standing = connection.standing
        if is_after_gap:
            is_off = view.status is GrantStatus.SUSPENDED
            standing = Standing(suspended=frozenset({WHOLE}) if is_off else frozenset())
        whole = {WHOLE} if view.status is GrantStatus.PAUSED else set[str]()
        standing = replace(standing, paused=frozenset((standing.paused - {WHOLE}) | whole))
        self._store.connections.rest(connection, standing)
        if view.granted is None:
            return replace(connection, standing=standing)
        self._store.connections.amend(connection, view.granted)
        gone = {category.name for category in connection.granted.categories if not view.granted.has(category.name)}
        if gone and is_after_gap:
            self._forgetting.categories(connection, gone)
        return replace(connection, standing=standing, granted=view.granted)

    def _forget(self, connection: Connection, change: Change, event: Event) -> int:
        if change in ENDS:
            return self._forgetting.everything(connection)
        if change is Change.CATEGORY_REVOKED:
            return self._forgetting.categories(connection, [event.text("category")])
        if change is Change.ACCOUNT_REMOVED:
            return self._forgetting.data(
                connection, "I deleted this answer: it may show an account you stopped sharing."
            )
        return 0

    def _say_amended(self, connection: Connection, view: GrantView | None) -> None:
        bank = self._config.bank_name(connection.bank_id)
        granted = view.granted if view is not None else None
        if granted is None:
            self._say(connection, f"Your permission for {bank} has changed.")
            return
        until = f" until {show_day(granted.ends_at)}" if granted.ends_at else ""
        title = f"Your permission for {bank} has changed. You now share this{until}:"
        facts = blocks.facts(title, shared_rows(granted), f"For {accounts_of(granted)}.")
        self._store.conversation.say(connection.person_id, Author.ASSISTANT, [facts])

    def _say(self, connection: Connection, words: str) -> None:
        said = [blocks.notice(words, leads_to_sharing=True)]
        self._store.conversation.say(connection.person_id, Author.ASSISTANT, said)

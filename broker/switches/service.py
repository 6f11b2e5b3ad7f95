"""Turns off and on again: one row and one entry in each log that it concerns, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from broker.audit.sequencer import LoggedTransaction, Sequencer
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.banks import service as banks
from broker.clock import Clock
from broker.crypto.sealing import Sealer
from broker.errors import ConsentRefused, NotFound, NotPermitted
from broker.events.outbox import TaskKind, put
from broker.notices.spreads import Reach, ask
from broker.notices.vocabulary import What
from broker.platforms import service as platforms
from broker.policy import Catalogue
from broker.policy.reasons import readable
from broker.switches.models import SwitchRow
from broker.switches.reader import context_of
from broker.switches.views import Side, Target

LONGEST_REASON = 300
_INITIATORS = {Side.BANK: Initiator.DATA_PROVIDER, Side.OPERATOR: Initiator.DATA_ACCESS_PLATFORM}


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hand is on the switch: the operator's, or that of a bank's administrator; `name` is theirs."""

    side: Side
    name: str
    bank_id: str = ""
    interaction_id: str | None = None


class Switches:
    """Flips switches. Effective for every entry that comes after theirs, in every process.

    It takes no fence: what was released before is handed over within a second, and waits for nobody.
    """

    def __init__(self, sequencer: Sequencer, catalogue: Catalogue, sealer: Sealer, clock: Clock) -> None:
        self._sequencer = sequencer
        self._catalogue = catalogue
        self._sealer = sealer
        self._clock = clock

    def turn_off(self, hand: Hand, target: Target, reason: str) -> tuple[Appended, ...]:
        """Stop releases of the target until it is turned on, and return where that stands in the logs.

        Raises:
            NotFound: there is no such bank, platform or category.
            NotPermitted: a bank's hand on what is not its own.
            ConsentRefused: this side has turned it off already.
            InvalidRequest: the reason is empty, too long or not readable.
            LogUnavailable: it could not be written; nothing has changed.
        """
        _check_reach(hand, target)
        words = readable(reason, LONGEST_REASON)
        return self._flip(hand, target, words, Event.SWITCH_OFF)

    def turn_on(self, hand: Hand, target: Target, reason: str) -> tuple[Appended, ...]:
        """Let releases go on, as far as nothing else stops them.

        Raises:
            NotPermitted: a bank's hand on what is not its own.
            ConsentRefused: this side has not turned it off.
            InvalidRequest: the reason is empty, too long or not readable.
            LogUnavailable: it could not be written; nothing has changed.
        """
        _check_reach(hand, target)
        words = readable(reason, LONGEST_REASON)
        return self._flip(hand, target, words, Event.SWITCH_ON)

    def _flip(self, hand: Hand, target: Target, reason: str, event: Event) -> tuple[Appended, ...]:
        is_off = event is Event.SWITCH_OFF
        logs = self._sequencer.look_up(lambda session: _logs_of(session, target))
        while True:
            # What takes sharing back may use the room that is kept for it on a full disk.
            with self._sequencer.transaction(logs, from_reserve=is_off) as transaction:
                present = _logs_of(transaction.session, target)
                if set(present) <= set(logs):
                    self._change(transaction.session, hand, target, reason, is_off=is_off)
                    put(transaction.session, TaskKind.SWITCH_FLIPPED, _task(hand, target), self._clock())
                    self._tell(transaction.session, hand, target, is_off=is_off)
                    return _written(transaction, logs, _entry(hand, target, reason, event))
            logs = present  # a bank has been added since: its log must say it too

    def _tell(self, session: Session, hand: Hand, target: Target, *, is_off: bool) -> None:
        """Have the people be told whose sharing it stops, or lets go on."""
        what = What.SWITCHED_OFF if is_off else What.SWITCHED_ON
        reach = Reach(target.bank_id, target.platform_id, target.category)
        ask(session, what, reach, self._clock(), side=hand.side.value)

    def _change(self, session: Session, hand: Hand, target: Target, reason: str, *, is_off: bool) -> None:
        key = (hand.side.value, target.bank_id, target.platform_id, target.category)
        row = session.get(SwitchRow, key, populate_existing=True)
        if (row is not None) is is_off:
            raise ConsentRefused("It is so already, or somebody else has turned it off.", code="switch-unchanged")
        if row is not None:
            session.delete(row)
            return
        _check_known(session, self._catalogue, target)
        session.add(
            SwitchRow(
                side=hand.side.value,
                bank_id=target.bank_id,
                platform_id=target.platform_id,
                category=target.category,
                reason=reason,
                sealed_by=self._sealer.seal(hand.name.encode(), context_of(hand.side.value, target)),
                since_at=self._clock(),
            )
        )


def _task(hand: Hand, target: Target) -> dict[str, str]:
    return {
        "side": hand.side.value,
        "bank_id": target.bank_id,
        "platform_id": target.platform_id,
        "category": target.category,
    }


def _written(transaction: LoggedTransaction, logs: Sequence[str | None], entry: Entry) -> tuple[Appended, ...]:
    return tuple(transaction.append(replace(entry, bank_id=log)) for log in logs)


def _check_reach(hand: Hand, target: Target) -> None:
    if hand.side is Side.BANK and (not hand.bank_id or target.bank_id != hand.bank_id):
        raise NotPermitted("A bank turns off only what is its own.")


def _check_known(session: Session, catalogue: Catalogue, target: Target) -> None:
    if target.bank_id and banks.find(session, target.bank_id) is None:
        raise NotFound("There is no such bank.")
    if target.platform_id and platforms.find(session, target.platform_id) is None:
        raise NotFound("There is no such platform.")
    if target.category and target.category not in catalogue.categories:
        raise NotFound("There is no such category.")


def _logs_of(session: Session, target: Target) -> list[str | None]:
    """Return whose logs say it: the bank's, or every bank's and the operator's."""
    if target.bank_id:
        return [target.bank_id]
    return [*(bank.id for bank in banks.all_banks(session)), None]


def _entry(hand: Hand, target: Target, reason: str, event: Event) -> Entry:
    # The reason is free text, and a name is somebody's: among the details they can be erased, and an entry has 1 KB.
    return Entry(
        event=event,
        initiator=_INITIATORS[hand.side],
        platform_id=target.platform_id or None,
        category=target.category or None,
        interaction_id=hand.interaction_id,
        stated={"reach": "bank" if target.bank_id else "all-banks"},
        details={"reason": reason, "by": hand.name},
    )

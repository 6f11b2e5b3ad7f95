"""No release after a switch in the log: the entry of an access stands only while nothing that concerns it is off."""

from dataclasses import dataclass, field

from broker.policy.contexts import Off
from broker.storage.prepared import Transaction
from broker.storage.single_use import Loss
from broker.switches.reader import concerning
from broker.switches.views import code_of, off_for


@dataclass(slots=True)
class StaysOn:
    """The wish that no switch stops this access, decided in the transaction that writes its entry.

    That transaction holds the log's lock, and so does the one that flips a switch: which came first, the log says.
    It changes nothing, so a lost one has nothing to undo.
    """

    bank_id: str
    platform_id: str
    category: str
    _off: frozenset[Off] = field(default=frozenset(), init=False)

    @property
    def key(self) -> str:
        """Return what it looks at."""
        return f"switch {self.bank_id} {self.platform_id} {self.category}"

    @property
    def loss(self) -> Loss:
        """Return what is told of what `take` found off."""
        return Loss(code_of(self._off), "release.switches", "The bank or the operator has just turned this off.")

    def take(self, session: Transaction) -> bool:
        """Look once more; False when something is off. Under the lock the answer stays: one look a transaction."""
        seen, between = session.info.setdefault(StaysOn, {}), (self.bank_id, self.platform_id)
        if between not in seen:
            seen[between] = concerning(session, *between)
        self._off = off_for(seen[between], self.category)
        return not self._off

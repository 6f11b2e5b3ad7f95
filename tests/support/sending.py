"""What a trace shows of one broker's answers: when their bytes were handed to the transport, and what came before."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tests.support.systemcalls import SENDS, SYNCS, SystemCall

_ID = re.compile(r"x-fapi-interaction-id: ([0-9a-f-]{36})", re.IGNORECASE)
_ANSWER = ', "HTTP/1.1 '


class Sending:
    """One trace. `processes` says which process a thread is of; `port` is the broker's, `bank_port` its bank's."""

    def __init__(self, calls: Sequence[SystemCall], processes: Mapping[int, int], *, port: int, bank_port: int) -> None:
        self._processes = processes
        # By connection, not by thread: one thread may begin an answer and another send the rest.
        self._on: dict[str, list[SystemCall]] = defaultdict(list)
        self._syncs: dict[int, list[SystemCall]] = defaultdict(list)
        self._answers: dict[str, SystemCall] = {}
        self._asked: dict[str, list[SystemCall]] = defaultdict(list)
        ours, theirs = f"TCP:[127.0.0.1:{port}->", f"->127.0.0.1:{bank_port}]"
        for call in calls:
            if call.name in SYNCS and call.file.endswith("-wal"):
                self._syncs[processes[call.thread]].append(call)
                continue
            self._on[call.file].append(call)
            if call.name in SENDS and (named := _ID.search(call.text)):
                if call.file.startswith(ours) and call.text.startswith(_ANSWER):
                    self._answers[named[1]] = call
                elif call.file.endswith(theirs):
                    self._asked[named[1]].append(call)

    def answer(self, interaction_id: str) -> list[SystemCall]:
        """Return the sends of the answer with this id, head first; empty when the trace does not show it."""
        head = self._answers.get(interaction_id)
        return [] if head is None else [head, *self._following(head, SENDS)]

    def is_durable_first(self, interaction_id: str) -> bool:
        """Say whether the log was synced between the bank's answer and the first byte of ours, by the same process."""
        head = self._answers[interaction_id]
        process = self._processes[head.thread]
        received = [read for asked in self._asked[interaction_id] for read in self._following(asked, {"recvfrom"})]
        known = max(call.ended for call in received if call.result > 0)
        syncs = self._syncs[process]
        first = bisect_left(syncs, known, key=lambda call: call.started)
        last = bisect_left(syncs, head.started, key=lambda call: call.started)
        return any(sync.ended <= head.started for sync in syncs[first:last])

    def _following(self, call: SystemCall, names: frozenset[str] | set[str]) -> Iterator[SystemCall]:
        """Yield the calls of this kind that follow on the same connection, until there is one of another kind."""
        same = self._on[call.file]
        for later in same[bisect_left(same, call.started, key=lambda one: one.started) + 1 :]:
            if later.name not in names:
                return
            yield later

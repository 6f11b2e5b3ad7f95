"""The controls of row 14's nodes: what one machine alone keeps, or has not kept yet, is missed when it dies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.test_row_14_nodes import (
    each_proof_was_good_for_one,
    nothing_is_lost,
    nothing_stale_is_released,
    placed,
)
from tests.support.one_dies import OneDied, one_dies
from tests.support.planted import planted
from tests.support.postgres import PostgresServer

_MEMORY_OF_PROOFS = (
    (
        "broker/storage/single_use.py",
        "    return _TAKEN.first(session, **taken) is not None\n",
        (
            "    mine = claim.__dict__.setdefault('mine', set())\n"
            "    is_first = taken['digest'] not in mine\n"
            "    mine.add(taken['digest'])\n"
            "    return is_first\n"
        ),
    ),
)
"""Each node remembers which proofs it has seen."""
_MEMORY_OF_GRANTS = (
    (
        "broker/grants/reader.py",
        "        return view(row, categories, accounts, self._sealer, now, switches=off)\n",
        (
            "        kept = self.__dict__.setdefault('kept', {})\n"
            "        if grant_id not in kept:\n"
            "            kept[grant_id] = view(row, categories, accounts, self._sealer, now, switches=off)\n"
            "        return kept[grant_id]\n"
        ),
    ),
    (
        "broker/grants/uses.py",
        "        if _COUNTED.change(session, **use) != 1:\n            return False\n",
        "        _COUNTED.change(session, **use)\n",
    ),
)
"""Each node remembers what it has read of a grant."""
_LATER = (
    (
        "broker/release/service.py",
        "        appended = self.sequencer.append(entry, held_still if decision.is_allowed else (), fenced=True)\n",
        (
            "        import threading\n"
            "        from broker.audit.vocabulary import Appended\n"
            "        appended = Appended('audit/harbor/2026', 0, b'x')\n"
            "        threading.Timer(0.3, self.sequencer.append, [entry, held_still]).start()\n"
        ),
    ),
)
"""The entry of a release is written after the answer."""

Check = Callable[[OneDied], None]


@pytest.mark.control
@pytest.mark.campaign
@pytest.mark.parametrize(
    ("plants", "check"),
    [
        pytest.param(_MEMORY_OF_PROOFS, each_proof_was_good_for_one, id="a node's own memory of proofs"),
        pytest.param(_MEMORY_OF_GRANTS, nothing_stale_is_released, id="a node's own memory of grants"),
        pytest.param(_LATER, nothing_is_lost, id="entries after the answer"),
    ],
)
def test_a_node_that_keeps_something_to_itself_is_found(
    postgres: PostgresServer, tmp_path: Path, plants: tuple[tuple[str, str, str], ...], check: Check
) -> None:
    code, data = tmp_path / "code", tmp_path / "data"
    data.mkdir()
    for plant in plants:
        planted(code, *plant)
    with placed(postgres, data, code) as nodes:
        happened = one_dies(nodes, warm=5, after=5, count=50)
        with pytest.raises(AssertionError):
            check(happened)

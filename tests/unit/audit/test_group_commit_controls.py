"""The negative controls of the group commit: orders gathered too early, in a copy of the product, are noticed."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_SEQUENCER, _BATCHES = "broker/audit/sequencer.py", "broker/audit/batches.py"
_ALONE, _WITH_A_LOG = "tests/unit/audit/test_batches.py", "tests/unit/audit/test_group_commit.py"
_OPENED = "        with self._database.write_plain() as session:\n"
_LOCKED = """            log = self._writer.lock(session, [bank_id])[bank_id]
            self.permits.check(session, {bank_id: log}, for_access=True)
"""
_GATHERED = "            orders = gather()\n"
PLANTS = (
    Plant(
        _SEQUENCER,
        f"{_OPENED}{_LOCKED}{_GATHERED}",
        f"        orders = gather()\n{_OPENED}{_LOCKED}",
        f"{_WITH_A_LOG}::share_few",
    ),
    # Where SQLite holds its lock already, PostgreSQL has yet to wait for the row.
    Plant(_SEQUENCER, f"{_LOCKED}{_GATHERED}", f"{_GATHERED}{_LOCKED}", f"{_WITH_A_LOG}::share_few"),
    Plant(
        _BATCHES,
        "            outcomes = self._outcomes(gather)",
        "            early = gather()\n            outcomes = self._outcomes(lambda: early)",
        f"{_ALONE}::is_waited_for",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
@pytest.mark.parametrize("plant", PLANTS, ids=["before any lock", "before the row's lock", "when a thread leads"])
def test_orders_gathered_before_the_log_is_locked_are_noticed(tmp_path: Path, plant: Plant) -> None:
    assert survivors(tmp_path, (plant,)) == []

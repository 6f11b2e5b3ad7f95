"""Controls: harvest limits broken on purpose, in one place each; the tests of them must find every one."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_COUNTING = "tests/unit/harvest/test_harvest_counting.py"
_AGREE = "tests/unit/harvest/test_harvest_counters_agree.py"
_SIMULATION = "tests/unit/harvest/test_harvest_simulation.py"

PLANTS = (
    Plant("broker/harvest/tallies.py", "_TALLY_KEPT[agreed.is_news]", "_TALLY_KEPT[True]", _COUNTING),
    Plant("broker/policy/harvest.py", "    silence_s = at_s - last_s\n", "    silence_s = 0\n", _SIMULATION),
    Plant("broker/policy/harvest.py", ", Counter.AFTER_A_SEASON)\n", ")\n", _SIMULATION),
    Plant("broker/policy/harvest.py", "reaches = known.reached_s is None or", "reaches = False and", _SIMULATION),
    Plant(
        "broker/harvest/counting.py",
        "        store_known(session, reading, known.after(reading.at_s, reading.oldest_s))\n",
        "",
        _AGREE,
    ),
    Plant(
        "broker/harvest/counting.py",
        ".plus(one.tally for one in found.tallies if",
        ".plus(one.tally for one in () if",
        _AGREE,
    ),
    Plant(
        "broker/harvest/counting.py",
        "        if breached(rooms) is not None:",
        "        if breached(rooms) is None:",
        _AGREE,
    ),
    Plant(
        "broker/release/counting.py",
        "        if error.code == HOLD and not before.is_held:",
        "        if False:",
        _COUNTING,
    ),
    Plant(
        "broker/harvest/tallies.py",
        "return Seen(bool(first.is_held),",
        "return Seen(False,",
        _COUNTING,
    ),
    Plant(
        "broker/release/service.py",
        "held_still = (use, access.facts, CountedRecords(access.counts, rendered.records), stays_on)",
        "held_still = (use, access.facts, stays_on)",
        _COUNTING,
    ),
    Plant(
        "broker/harvest/holds.py",
        "        session.execute(delete(HarvestTallyRow).where(*tallies))\n",
        "",
        f"{_COUNTING}::test_the_operator_ends",
    ),
    Plant(
        "broker/grants/erasure.py",
        "                    forget_person(transaction.session, user_id, bank_id)\n",
        "",
        f"{_COUNTING}::test_who_is_forgotten",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_harvest_limits_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []

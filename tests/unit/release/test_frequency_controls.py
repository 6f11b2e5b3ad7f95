"""Controls: frequency broken on purpose, in one place each; the tests of reads must find every one."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_READS, _DECIDING = "tests/unit/grants/test_reads.py", "tests/unit/audit/test_deciding.py"
_RELEASE, _API = "tests/unit/release/test_frequency.py", "tests/unit/api/test_api_frequency.py"

PLANTS = (
    Plant(
        "broker/grants/reads.py",
        'day_has_room = column < bindparam("ceiling")',
        'day_has_room = bindparam("ceiling") > 0',
        _READS,
    ),
    Plant("broker/grants/reads.py", '"unattended": int(not self.is_attended)', '"unattended": 1', _READS),
    Plant(
        "broker/grants/reads.py",
        "return claim(session, self.page) or self.read.take(session)",
        "return claim(session, self.page) or True",
        _READS,
    ),
    Plant(
        "broker/audit/deciding.py",
        "condition.take(session):\n                undo()",
        "condition.take(session):",
        _DECIDING,
    ),
    Plant("broker/audit/deciding.py", "            raise NotAllHold", "            pass", _DECIDING),
    Plant("broker/audit/deciding.py", "if loss is None]", "]", _DECIDING),
    Plant(
        "broker/release/service.py",
        "counted = self._counted(found, wanted, access, now) if decision.is_allowed else ()",
        "counted = ()",
        _RELEASE,
    ),
    Plant("broker/policy/questions.py", "min(agreed, *bounds)", "agreed", _RELEASE),
    Plant("broker/release/pages.py", " and now < self.began_at + LIFE", "", _API),
    Plant("broker/release/cut.py", "min(last, wanted.page.began_at) if wanted.page else last", "last", _RELEASE),
    Plant("broker/edge/presence.py", "    return address is not None\n", "    return True\n", _API),
    Plant(
        "broker/edge/problems.py",
        '"code": error.code, "detail": error.detail}',
        '"code": error.code, "detail": error.detail + str(request.headers)}',
        f"{_API}::test_an_address_that_is_none",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_frequency_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []

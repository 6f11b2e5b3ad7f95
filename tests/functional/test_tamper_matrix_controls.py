"""The negative controls of the tamper matrix: each check taken out of a copy, and the cell that must then fail."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

pytestmark = pytest.mark.timeout(900)

_CELL = "tests/functional/test_tamper_matrix.py::"
_LOG, _CONTINUITY = "broker/audit/verification/log.py", "broker/audit/verification/continuity.py"
CONSISTENCY = Plant(
    _LOG,
    "if 0 < inside <= len(bundle.hashes) and self.rows.root(bundle.hashes[:inside]) != last.root:",
    "if False:",
    f"{_CELL}edit-sealed-last_checkpoint",
)
PLANTS = (
    CONSISTENCY,
    Plant(_LOG, "if now.size < before.size:", "if False:", f"{_CELL}truncate-witnessed-last_checkpoint"),
    Plant(
        _LOG,
        "if self.rows.root(self.rest) != checkpoint.root:",
        "if False:",
        "tests/unit/audit/test_log_verification.py",
    ),
    Plant(
        "broker/audit/verification/standing.py",
        'if error.code != "consistency-unproven":',
        'if error.code == "consistency-unproven":\n            return head\n        if True:',
        f"{_CELL}edit-sealed-receipt",
    ),
    Plant(
        "broker/audit/verification/standing.py",
        "if now.size < before.size:",
        "if now.size < before.size:\n        return head\n    if False:",
        f"{_CELL}truncate-tail-tail_receipt",
    ),
    Plant(
        "broker/audit/verification/mirroring.py",
        "_Copy(read, folder, origin, _own_head(folder, trust, origin), head)",
        "_Copy(read, folder, origin, None, head)",
        f"{_CELL}insert-mirror",
    ),
    Plant(
        "broker/audit/verification/heads.py",
        "if len({one.name for one in cosigned}) < trust.quorum:",
        "if False:",
        f"{_CELL}fork-witnessed_only",
    ),
    Plant(_CONTINUITY, "if time_us < self._time_us:", "if False:", f"{_CELL}back-date-one-newcomer"),
    Plant(
        _CONTINUITY,
        "if number >= self.since_number and time_us < self.since_us:",
        "if False:",
        f"{_CELL}back-date-tail-cosigned_checkpoint",
    ),
    Plant(
        _CONTINUITY,
        "if time_us > (self.until_us if number >= self.since_number else self.by_us):",
        "if False:",
        f"{_CELL}date-ahead-witnessed_only",
    ),
    Plant("broker/audit/verification/served.py", "if missing:", "if False:", f"{_CELL}unlogged-served_list"),
    Plant(
        "broker/tlog/witness.py",
        "status = INCONSISTENT\n        _check_growth(request, checkpoint, held)",
        "pass",
        f"{_CELL}edit-sealed-witness",
    ),
    Plant(
        "broker/tlog/witness.py", "if request.old_size != held.size:", "if False:", f"{_CELL}truncate-witnessed-witness"
    ),
)


@pytest.mark.control
def test_a_verifier_that_compares_nothing_with_the_last_checkpoint_is_found_out(tmp_path: Path) -> None:
    assert survivors(tmp_path, [CONSISTENCY]) == []


@pytest.mark.control
@pytest.mark.campaign
def test_the_matrix_misses_every_check_that_is_taken_out(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []

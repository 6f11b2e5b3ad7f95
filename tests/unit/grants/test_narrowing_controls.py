"""The negative controls of narrowing: faults in a copy of the product that its tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_NARROWING = "broker/grants/narrowing.py"
_CORE, _PAGE = "tests/unit/grants/test_narrowing.py", "tests/unit/web/test_web_narrowing.py"

PLANTS = (
    # What is wider passes; so does what the person did not see.
    Plant(_NARROWING, "terms.is_within(grant.terms)", "bool(terms)", f"{_CORE}::nothing_becomes_wider"),
    Plant(_NARROWING, "now + timedelta(days=days) < grant.expires_at", "bool(now)", f"{_CORE}::nothing_becomes_wider"),
    Plant(_NARROWING, "if grant.updated_at != seen_at:", "if seen_at is None:", f"{_CORE}::changed_grant"),
    Plant(_NARROWING, "if not is_amendable(grant):", "if grant is None:", _CORE),
    # The page says less, and as much as before leaves.
    Plant(
        _NARROWING,
        "category.detail, category.precision = (term.detail, term.precision) if term else (None, None)",
        "del term",
        f"{_CORE}::what_is_lowered",
    ),
    Plant(_NARROWING, "            row.terms = terms.to_json()\n", "", _CORE),
    # What is being handed over goes on behind it; what was judged before leaves after it.
    Plant(_NARROWING, "self._fences.exclusive([grant_id])", "self._fences.exclusive([])", f"{_CORE}::handed_over"),
    Plant(
        "broker/grants/versions.py",
        "row.version + 1, now",
        "row.version + 1, row.updated_at",
        f"{_CORE}::what_is_lowered",
    ),
    # Somebody else narrows it.
    Plant("broker/web/narrowing.py", "    card = own_card(str(grant_id))\n    sent", "    sent", _PAGE),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_narrowing_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []

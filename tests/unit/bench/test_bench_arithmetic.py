"""The plan for very many people: its table is what the arithmetic says."""

from pathlib import Path

import pytest

from tests.bench.growth.arithmetic import CALLS_A_CORE_S, COPIES, CORES_A_MACHINE, SIZES, Need, table

_PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "scale.md"


def test_the_page_shows_the_table_of_the_arithmetic() -> None:
    assert "\n".join(table()) in _PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("users", SIZES)
def test_there_are_machines_for_the_peak_and_for_every_copy(users: int) -> None:
    need = Need(users)
    assert need.machines >= COPIES
    assert need.machines / COPIES * CORES_A_MACHINE * CALLS_A_CORE_S >= need.peak_calls_s

"""A fault that can no longer be planted is noticed at once, and not by the next campaign."""

from importlib import import_module

import pytest

from tests.architecture.tree import ROOT
from tests.support.controls import Plant

CONTROLS = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in sorted((ROOT / "tests").rglob("test_*controls.py"))
    if "\nPLANTS = (" in path.read_text(encoding="utf-8")
]


def misfits(plants: tuple[Plant, ...]) -> list[str]:
    """Name the plants whose text does not stand exactly once in its file, or whose tests are in no file."""
    return [
        f"{plant.file}: {plant.old!r}"
        for plant in plants
        if (ROOT / plant.file).read_text(encoding="utf-8").count(plant.old) != 1
        or not (ROOT / plant.tests.partition("::")[0]).is_file()
    ]


@pytest.mark.parametrize("module", CONTROLS)
def test_every_planted_fault_fits_the_product_of_today(module: str) -> None:
    plants = import_module(module).PLANTS
    assert misfits(plants) == []


def test_a_plant_that_is_out_of_date_is_noticed() -> None:
    assert len(CONTROLS) > 1
    assert misfits((Plant("broker/clock.py", "a line of last year", "", "tests/architecture/test_plants.py"),)) != []

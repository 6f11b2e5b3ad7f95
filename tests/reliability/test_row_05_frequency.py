"""Row 5, frequency: of ten reads at the same instant exactly as many pass as the person allows, over four processes."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.test_row_05_single_use import WIDTH, bursts
from tests.support.caller import PATHS
from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sizes import Size

CEILING = 4
_ALWAYS_ROOM = ('    day_has_room = column < bindparam("ceiling")\n', '    day_has_room = bindparam("ceiling") > 0\n')

Outcomes = Counter[tuple[int, str]]
AS_ALLOWED: Outcomes = Counter({(200, ""): CEILING, (429, "frequency-exceeded"): WIDTH - CEILING})


def reads_of(fleet: Fleet) -> Callable[[], list[bytes]]:
    """Prepare ten reads without the person under one new grant, again and again."""
    person, caller = fleet.person(), fleet.caller()

    def prepare() -> list[bytes]:
        grant = fleet.grant(person, ("balances",), frequency_per_day=CEILING)
        (token,) = fleet.tokens(grant, caller.dpop.thumbprint, ("balances",))
        return [caller.reading(PATHS["balances"], token, is_attended=False) for _ in range(WIDTH)]

    return prepare


def outcomes(fleet: Fleet, count: int) -> list[Outcomes]:
    runs = bursts(fleet, count, reads_of(fleet))
    return [Counter((answer.status, answer.code) for answer in answers) for answers in runs]


def test_of_ten_reads_at_once_as_many_pass_as_the_person_allows(fleet: Fleet, size: Size) -> None:
    found = outcomes(fleet, size.of(test=5, campaign=500, soak=5_000))

    assert [one for one in found if one != AS_ALLOWED] == []


@pytest.mark.control
@pytest.mark.campaign
def test_a_count_without_its_ceiling_is_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", "broker/grants/reads.py", *_ALWAYS_ROOM)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        found = outcomes(broken, 60)
    assert max(one[200, ""] for one in found) > CEILING

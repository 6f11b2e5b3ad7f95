"""Row 5, frequency: of ten reads at the same instant exactly as many pass as the person allows, over four processes."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.reliability.test_row_05_single_use import WIDTH, bursts
from tests.support.caller import PATHS
from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sizes import Size

CEILING = 4
_ALWAYS_ROOM = ('    day_has_room = column < bindparam("ceiling")\n', '    day_has_room = bindparam("ceiling") > 0\n')

AS_ALLOWED = Counter({(200, ""): CEILING, (429, "frequency-exceeded"): WIDTH - CEILING})


@dataclass
class Reads:
    """Ten reads without the person under one new grant, again and again."""

    fleet: Fleet
    grants: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._person, self._caller = self.fleet.person(), self.fleet.caller()

    def prepare(self) -> list[bytes]:
        self.grants.append(self.fleet.grant(self._person, ("balances",), frequency_per_day=CEILING))
        (token,) = self.fleet.tokens(self.grants[-1], self._caller.dpop.thumbprint, ("balances",))
        return [self._caller.reading(PATHS["balances"], token, is_attended=False) for _ in range(WIDTH)]

    def announced(self) -> list[int]:
        """Return how many reads the log has announced to the bank, of each grant."""
        counted = Counter(entry.grant_id for entry in self.fleet.log() if entry.event == "access.requested")
        return [counted[grant] for grant in self.grants]


def test_of_ten_reads_at_once_as_many_pass_as_the_person_allows(fleet: Fleet, size: Size) -> None:
    reads = Reads(fleet)
    runs = bursts(fleet, size.of(test=5, campaign=200, soak=5_000), reads.prepare)

    wrong = [found for answers in runs if (found := Counter((a.status, a.code) for a in answers)) != AS_ALLOWED]
    assert wrong == []
    assert reads.announced() == [CEILING] * len(runs)


@pytest.mark.control
@pytest.mark.campaign
def test_a_count_without_its_ceiling_is_found(tmp_path: Path) -> None:
    """The second look at the count, behind the fence, holds the data back still; but the bank has been asked."""
    code = planted(tmp_path / "code", "broker/grants/reads.py", *_ALWAYS_ROOM)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        reads = Reads(broken)
        bursts(broken, 60, reads.prepare)
        announced = reads.announced()
    assert max(announced) > CEILING

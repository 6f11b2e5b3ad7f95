"""Which tests of one run share a process, and which begin first.

The groups of pytest-xdist 3.8 are a suffix that it writes into the ids of tests, and with pytest 9.2 nobody reads it:
each test would be its own group, and each process would start every world and fleet again. So the group is read from
the id itself, which names costly fixtures (`pytest_make_parametrize_id` in tests/conftest.py).
"""

import re

from xdist.scheduler import LoadScopeScheduling

COSTLY = ("world", "fleet")
_SHARED = re.compile(rf"(?:{'|'.join(COSTLY)})-(?:sqlite|postgresql)")
# What is long begins first, so that no process is left with it at the end; the two fleets not at once.
_BEGIN = (
    *("fleet-postgresql", "world-sqlite", "fleet-sqlite", "world-postgresql"),
    *("tests/reliability/test_row_39_simulation", "tests/reliability/test_row_04"),
    *("tests/reliability/", "tests/functional/", "tests/browser/", "tests/integration/"),
)


def group_of(test_id: str) -> str:
    """Name what the test shares beyond its file, the stories' world or the rows' fleet, else its file."""
    path, _, name = test_id.partition("::")
    shared = _SHARED.search(name.partition("[")[2])
    return shared[0] if shared else path


def turn_of(group: str) -> int:
    """Say when the group begins: the lower the earlier."""
    return next((turn for turn, start in enumerate(_BEGIN) if group.startswith(start)), len(_BEGIN))


class Groups(LoadScopeScheduling):
    """Gives whole groups to the processes, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

"""The control: where a change waits for no second machine, the same kill loses what was acknowledged, and we see it."""

from pathlib import Path

import pytest

from tests.ha.cluster import ASYNCHRONOUS
from tests.ha.failover import placed, primary_dies
from tests.support.one_history import contradictions

pytestmark = pytest.mark.ha


@pytest.mark.control
@pytest.mark.timeout(600)
def test_without_quorum_replication_the_same_kill_loses_what_was_acknowledged(tmp_path: Path) -> None:
    with placed(tmp_path, **ASYNCHRONOUS) as place:
        happened = primary_dies(place)
        load = happened.load
        assert min(happened.unsent) > 0
        assert load.acknowledged.lost_from(place.fleet.log()) != []
        receipts = [load.readers.answers[name].headers["x-broker-receipt"].encode() for name in load.readers.received]
        assert contradictions(place.fleet, happened.log, receipts) != []

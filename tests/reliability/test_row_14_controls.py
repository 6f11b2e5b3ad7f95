"""The controls of row 14's comparison (`make ha-test`): whatever a log lacks of what callers were told is named."""

import pytest

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from tests.support.acknowledged import Acknowledged
from tests.support.logged import logged

_TOLD = Acknowledged(released=["call-1", "call-2"], approved=["grant-1"], revoked=["grant-2"])
_LOG = (
    logged(Event.GRANT_APPROVED, grant_id="grant-1"),
    logged(Event.ACCESS_REQUESTED, grant_id="grant-2", interaction_id="call-1"),
    logged(Event.ACCESS_RELEASED, grant_id="grant-2", interaction_id="call-1"),
    logged(Event.ACCESS_REQUESTED, grant_id="grant-2", interaction_id="call-2"),
    logged(Event.ACCESS_RELEASED, grant_id="grant-2", interaction_id="call-2"),
    logged(Event.GRANT_REVOKED, grant_id="grant-2"),
)


def test_a_log_that_holds_all_and_more_has_lost_nothing() -> None:
    more = logged(Event.ACCESS_REQUESTED, grant_id="grant-1", interaction_id="nobody got an answer")
    assert _TOLD.lost_from([*_LOG, more]) == []


@pytest.mark.control
@pytest.mark.parametrize("gone", _LOG, ids=lambda entry: f"{entry.event}-{entry.interaction_id or entry.grant_id}")
def test_each_entry_that_a_log_has_lost_is_named(gone: LoggedEntry) -> None:
    lost = _TOLD.lost_from(entry for entry in _LOG if entry is not gone)
    assert lost == [f"{gone.event} of {gone.interaction_id or gone.grant_id}"]


@pytest.mark.control
def test_the_right_event_of_another_grant_counts_for_nothing() -> None:
    log = [*_LOG[:-1], logged(Event.GRANT_REVOKED, grant_id="grant-1")]
    assert _TOLD.lost_from(log) == ["grant.revoked of grant-2"]

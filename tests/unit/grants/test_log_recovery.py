"""After a contradiction: another log that commits to the witnessed head, and nobody's data flows before they look."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from broker.audit.recovery import last_witnessed, next_name, refuse_unless_contradicted
from broker.audit.tree import entries_of, head_of
from broker.errors import ConfigurationInvalid, LogUnavailable
from broker.grants.fence import Fences
from broker.grants.recovery import recover
from broker.grants.service import Part
from broker.policy.vocabulary import GrantStatus
from tests.support.core import LOG_KEYS
from tests.support.witnessed import ENTRY, LOG, Watched, watched

_NEXT = f"{LOG}-2"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as opened:
        yield opened


@pytest.fixture
def forked(log: Watched) -> tuple[Watched, dict[str, str]]:
    """Three grants, one of them revoked after the backup that was put back."""
    house = log.house
    grants = {name: house.approved(["balances"]) for name in ("kept", "paused", "revoked")}
    house.grants.pause(house.alice, grants["paused"], Part())
    copy = log.backup()
    house.grants.revoke(house.alice, grants["revoked"], Part())
    assert log.submits() == ["consistent"]
    log.restore(copy)
    house.watch.passes(minutes=1)
    return log, grants


def recovered(log: Watched, following: str = _NEXT) -> int:
    head = last_witnessed(log.submission, log.witnesses, LOG_KEYS, LOG)
    doors = (log.process(), log.house.fences, log.house.watch)
    return recover(*doors, log=LOG, following=following, head=head)


def test_the_new_log_begins_with_the_witnessed_head_and_the_grants_are_on_hold(
    forked: tuple[Watched, dict[str, str]],
) -> None:
    log, grants = forked
    refuse_unless_contradicted(log.submission, log.witnesses, LOG)
    with log.house.database.read() as session:
        old = head_of(session, LOG)
    assert recovered(log) == 2
    with log.house.database.read() as session:
        leaves = [json.loads(leaf) for leaf in entries_of(session, _NEXT, 0, 10)]
        assert (head_of(session, LOG).size, head_of(session, LOG).is_current) == (old.size, False)
    assert [leaf["event"] for leaf in leaves] == ["log.recovered", "grant.paused", "grant.paused"]
    witnessed = leaves[0]["witnessed"]
    assert (witnessed["origin"], witnessed["size"]) == (LOG, old.size + 1)
    assert len(b64decode(witnessed["root"])) == 32
    assert leaves[0]["abandoned"]["size"] == old.size
    assert all(leaf["reasons"] == ["log-recovered"] for leaf in leaves[1:])
    for name, code in (("kept", "log-recovered"), ("paused", "user-action"), ("revoked", "log-recovered")):
        grant = log.house.grant(grants[name])
        assert (grant.status, grant.status_code) == (GrantStatus.PAUSED, code), name


def test_the_log_goes_on_and_a_person_takes_a_grant_up_again(forked: tuple[Watched, dict[str, str]]) -> None:
    log, grants = forked
    running = log.process()
    with pytest.raises(LogUnavailable):
        running.append(ENTRY)
    recovered(log)
    log.house.grants.resume(log.house.alice, grants["kept"], Part())
    assert log.house.grant(grants["kept"]).status is GrantStatus.ACTIVE
    # The process that refused the old log needs no new start, and is ready again.
    assert running.append(ENTRY).log == _NEXT
    running.permits.check_current()
    assert log.submits(_NEXT) == ["consistent"]


def test_a_grant_that_appears_before_the_locks_is_on_hold_behind_its_own_fence(
    forked: tuple[Watched, dict[str, str]],
) -> None:
    log, _ = forked
    house, held, late = log.house, list[set[str]](), list[str]()

    class Late(Fences):
        def exclusive(self, grant_ids: Iterable[str]) -> AbstractContextManager[None]:
            if not late:  # by a process that the contradiction has not reached
                late.append(house.approved(["balances"]))
            held.append(set(grant_ids))
            return super().exclusive(grant_ids)

    fences = Late(house.database)
    house.in_the_end.callback(fences.close)
    head = last_witnessed(log.submission, log.witnesses, LOG_KEYS, LOG)
    assert recover(log.process(), fences, house.watch, log=LOG, following=_NEXT, head=head) == 3
    assert late[0] not in held[0]
    assert late[0] in held[1]
    assert house.grant(late[0]).status_code == "log-recovered"


def test_a_log_that_nobody_contradicts_is_not_recovered(log: Watched) -> None:
    log.process().append(ENTRY)
    with pytest.raises(ConfigurationInvalid) as refused:
        refuse_unless_contradicted(log.submission, log.witnesses, LOG)
    assert refused.value.code == "log-not-forked"


def test_a_recovery_that_was_lost_with_the_backup_takes_another_name(forked: tuple[Watched, dict[str, str]]) -> None:
    log, _ = forked
    copy = log.backup()
    recovered(log)
    log.process().append(ENTRY)
    assert log.submits(_NEXT) == ["consistent"]
    log.restore(copy)
    with pytest.raises(LogUnavailable) as refused:
        recovered(log)
    assert refused.value.code == "log-forked"
    assert recovered(log, f"{LOG}-3") == 2


def test_names_of_recovered_logs_are_those_that_are_free(forked: tuple[Watched, dict[str, str]]) -> None:
    log, _ = forked
    recovered(log)
    with log.house.database.read() as session:
        names = [next_name(session, LOG, number, log.house.watch()) for number in (2, 3)]
        assert names == [None, f"{LOG}-3"]
        with pytest.raises(ConfigurationInvalid):
            next_name(session, LOG, 100, log.house.watch())


def test_without_a_witnessed_head_there_is_no_recovery(log: Watched) -> None:
    log.process().append(ENTRY)
    with pytest.raises(ConfigurationInvalid) as refused:
        last_witnessed(log.submission, log.witnesses, LOG_KEYS, "broker.example/audit/harbor/2025")
    assert refused.value.code == "witnesses-unavailable"

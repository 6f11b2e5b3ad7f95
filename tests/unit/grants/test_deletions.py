"""A person asks that an app deletes what it has: who may ask, who may answer, and that all of it stands in the log."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from broker.audit.vocabulary import Initiator
from broker.errors import ConsentRefused, InvalidRequest, LogUnavailable, NotFound
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import EventType, StreamStatus
from broker.grants.acts import Actor, PlatformActor
from broker.grants.deletion_views import Deletion, KeptBecause, Part, Statement, newest_of, of_platform
from broker.grants.service import Part as GrantPart
from tests.support.core import ASKED, NOON, House

MESSENGER, RIVAL = PlatformActor("messenger", "1" * 8), PlatformActor("rival", "2" * 8)
DONE, PARTLY = Statement.COMPLETED, Statement.PARTLY_RETAINED


def asked(house: House, grant_id: str = "") -> Deletion:
    """Let Alice ask, and return the request."""
    grant_id = grant_id or house.approved()
    house.deletions.request(house.alice, grant_id)
    return newest(house, grant_id)


def newest(house: House, grant_id: str) -> Deletion:
    with house.database.read() as session:
        return newest_of(session, [grant_id], house.watch())[grant_id]


def listed(house: House, platform: str = "messenger", part: Part | None = None) -> list[str]:
    with house.database.read() as session:
        return [one.id for one in of_platform(session, platform, part or Part(50), house.watch())[0]]


def test_a_request_is_answered_and_every_step_stands_in_the_log(house: House) -> None:
    deletion = asked(house)
    assert (deletion.status, deletion.requested_at, deletion.respond_by) == (
        "requested",
        NOON,
        NOON + timedelta(days=30),
    )
    house.watch.passes(hours=1)
    assert house.deletions.acknowledge(MESSENGER, deletion.id).status == "acknowledged"
    house.watch.passes(hours=1)
    assert house.deletions.complete(MESSENGER, deletion.id, DONE, None).completed_at == NOON + timedelta(hours=2)
    assert house.events(3) == ["deletion.requested", "deletion.acknowledged", "deletion.completed"]
    entries = house.log()[-3:]
    assert [entry.initiator for entry in entries] == [Initiator.INDIVIDUAL, *[Initiator.DATA_RECIPIENT] * 2]
    assert {(entry.grant_id, entry.platform_id) for entry in entries} == {(deletion.grant_id, "messenger")}
    assert [entry.reasons for entry in entries] == [("user-action",), (), ()]


def test_a_platform_that_promised_to_keep_data_for_less_has_less_time(house: House) -> None:
    grant_id = house.approved(terms=replace(ASKED, data_life_days=7))
    assert asked(house, grant_id).respond_by == NOON + timedelta(days=7)


def test_a_part_that_is_kept_has_a_reason_of_the_list(house: House) -> None:
    deletion = asked(house)
    with pytest.raises(InvalidRequest):
        house.deletions.complete(MESSENGER, deletion.id, PARTLY, None)
    with pytest.raises(InvalidRequest):
        house.deletions.complete(MESSENGER, deletion.id, DONE, KeptBecause.LEGAL_CLAIMS)
    assert newest(house, deletion.grant_id).status == "requested"
    house.deletions.complete(MESSENGER, deletion.id, PARTLY, KeptBecause.LEGAL_OBLIGATION)
    assert newest(house, deletion.grant_id).status == "partly-retained"
    assert house.log()[-1].reasons == ("legal-obligation",)


def test_saying_the_same_again_changes_nothing_and_saying_otherwise_is_refused(house: House) -> None:
    deletion = asked(house)
    first = house.deletions.acknowledge(MESSENGER, deletion.id)
    house.watch.passes(minutes=5)
    assert house.deletions.acknowledge(MESSENGER, deletion.id) == first
    done = house.deletions.complete(MESSENGER, deletion.id, DONE, None)
    house.watch.passes(minutes=5)
    assert house.deletions.complete(MESSENGER, deletion.id, DONE, None) == done
    assert house.deletions.acknowledge(MESSENGER, deletion.id) == done
    with pytest.raises(ConsentRefused, match="deletion-completed"):
        house.deletions.complete(MESSENGER, deletion.id, PARTLY, KeptBecause.LEGAL_CLAIMS)
    assert house.events(4)[1:] == ["deletion.requested", "deletion.acknowledged", "deletion.completed"]


def test_one_request_of_a_grant_is_open_at_a_time(house: House) -> None:
    deletion = asked(house)
    with pytest.raises(ConsentRefused, match="deletion-open"):
        house.deletions.request(house.alice, deletion.grant_id)
    house.deletions.complete(MESSENGER, deletion.id, PARTLY, KeptBecause.FRAUD_PREVENTION)
    house.watch.passes(days=1)
    assert asked(house, deletion.grant_id).id != deletion.id


def test_of_ten_that_ask_at_once_one_is_written(house: House) -> None:
    grant_id = house.approved()

    def ask(_: int) -> None:
        with suppress(ConsentRefused):
            house.deletions.request(house.alice, grant_id)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(ask, range(10)))
    assert house.events().count("deletion.requested") == len(listed(house)) == 1


def test_of_ten_that_complete_at_once_one_is_written(house: House) -> None:
    deletion = asked(house)
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: house.deletions.complete(MESSENGER, deletion.id, DONE, None), range(10)))
    assert house.events().count("deletion.completed") == 1


def test_nobody_else_asks_for_a_grant_or_answers_for_a_platform(house: House) -> None:
    deletion = asked(house)
    stranger = Actor(house.signs_in("sub-bob").user_id, "0" * 8)
    unknown = "00000000-0000-7000-8000-000000000000"
    refusals = []
    for act in (
        lambda: house.deletions.request(stranger, deletion.grant_id),
        lambda: house.deletions.request(stranger, unknown),
        lambda: house.deletions.acknowledge(RIVAL, deletion.id),
        lambda: house.deletions.acknowledge(RIVAL, unknown),
        lambda: house.deletions.complete(RIVAL, deletion.id, DONE, None),
    ):
        with pytest.raises(NotFound) as refusal:
            act()
        refusals.append(str(refusal.value))
    assert refusals[0] == refusals[1]
    assert len(set(refusals[2:])) == 1
    assert newest(house, deletion.grant_id).status == "requested"
    assert listed(house, "rival") == []


def test_an_ended_grant_can_be_asked_about_and_one_that_never_was_cannot(house: House) -> None:
    ended, refused = house.approved(), house.proposed()
    house.grants.revoke(house.alice, ended, GrantPart())
    house.consents.refuse(house.alice, refused)
    assert asked(house, ended).status == "requested"
    with pytest.raises(ConsentRefused, match="deletion-needless"):
        house.deletions.request(house.alice, refused)


def test_what_cannot_be_logged_is_not_asked(house: House) -> None:
    grant_id = house.approved()
    house.breaks_log_at("deletion.requested")
    with pytest.raises(LogUnavailable):
        house.deletions.request(house.alice, grant_id)
    assert listed(house) == []
    house.mends_log()
    deletion = asked(house, grant_id)
    house.breaks_log_at("deletion.completed")
    with pytest.raises(LogUnavailable):
        house.deletions.complete(MESSENGER, deletion.id, DONE, None)
    assert newest(house, grant_id).status == "requested"


def test_a_platform_that_is_gone_cannot_be_asked(house: House) -> None:
    grant_id = house.approved()
    house.runs("DELETE FROM platforms WHERE id = 'messenger'")
    with pytest.raises(ConsentRefused, match="deletion-unreachable"):
        house.deletions.request(house.alice, grant_id)


def test_a_request_is_overdue_from_its_last_instant_until_it_is_answered(house: House) -> None:
    deletion = asked(house)
    house.watch.passes(days=30, microseconds=-1)
    assert not newest(house, deletion.grant_id).is_overdue
    house.watch.passes(microseconds=1)
    assert newest(house, deletion.grant_id).is_overdue
    house.deletions.acknowledge(MESSENGER, deletion.id)
    assert newest(house, deletion.grant_id).is_overdue
    house.deletions.complete(MESSENGER, deletion.id, DONE, None)
    assert not newest(house, deletion.grant_id).is_overdue


def test_a_platforms_list_goes_on_behind_any_of_it(house: House) -> None:
    ids = []
    for _ in range(3):
        ids.append(asked(house).id)
        house.watch.passes(seconds=1)
    house.deletions.complete(MESSENGER, ids[0], DONE, None)
    assert listed(house) == ids
    assert listed(house, part=Part(2, ids[0])) == ids[1:]
    assert listed(house, part=Part(1)) == ids[:1]
    assert listed(house, part=Part(50, None, True)) == ids[1:]
    assert listed(house, part=Part(50, None, False)) == ids[:1]


def announced(house: House) -> list[dict[str, Any]]:
    query = select(EventDeliveryRow).where(EventDeliveryRow.event_type == EventType.DELETION_REQUESTED.value)
    with house.database.read() as session:
        return [row.claims for row in session.scalars(query)]


def listens(house: House, *kinds: EventType) -> None:
    """Let Messenger have a stream with these kinds of events."""
    with house.database.write() as session:
        session.add(
            EventStreamRow(
                id="stream",
                receiver="messenger",
                method="urn:ietf:rfc:8936",
                requested=[kind.value for kind in kinds],
                status=StreamStatus.ENABLED.value,
                failures=0,
                created_at=house.watch(),
                updated_at=house.watch(),
            )
        )


def test_a_platform_that_listens_is_told_of_the_request_and_of_nothing_that_it_says_itself(house: House) -> None:
    listens(house, EventType.DELETION_REQUESTED)
    deletion = asked(house)
    house.deletions.acknowledge(MESSENGER, deletion.id)
    house.deletions.complete(MESSENGER, deletion.id, DONE, None)
    (claims,) = announced(house)
    assert (claims["deletion_id"], claims["grant_id"], claims["respond_by"]) == (
        deletion.id,
        deletion.grant_id,
        "2026-12-22T12:00:00Z",
    )


def test_what_cannot_be_logged_is_not_announced(house: House) -> None:
    listens(house, EventType.DELETION_REQUESTED)
    grant_id = house.approved()
    house.breaks_log_at("deletion.requested")
    with pytest.raises(LogUnavailable):
        house.deletions.request(house.alice, grant_id)
    assert announced(house) == []


def test_a_platform_that_wants_other_events_is_not_told(house: House) -> None:
    listens(house, EventType.GRANT_CHANGED)
    assert asked(house).status == "requested"
    assert announced(house) == []
